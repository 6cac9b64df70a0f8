# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "json"
require "logger"
require "weighbridge"

# A payment service: authorises payments with the model that a slot serves.
#
#   POST /authorise  {"paid_at": "2026-01-01T01:00:00Z", "amount_minor": 249900, ...}   what the model says
#   GET  /health     200 while a model is there
#   GET  /metrics    Prometheus text of this process
class PaymentService
  BUDGET_SECONDS = 0.02
  # What a caller can do about an error; any other is ours.
  STATUSES = { Weighbridge::InvalidInput => 422, Weighbridge::NotFound => 422, Weighbridge::Overloaded => 503,
               Weighbridge::NotLoaded => 503, Weighbridge::Closed => 503 }.freeze

  # @param bundle [String] a directory, or a link to one: pointing it elsewhere deploys
  # @param loading [Hash] options of each load
  # @param options [Hash] of the engine
  def initialize(bundle, logger: Logger.new($stderr), loading: {}, **options)
    @logger = logger
    @bundle = bundle
    @loading = loading
    @engine = Weighbridge::Engine.new(**options)
    @slot = @engine.slot("card", create: true)
    deploy
  end

  # A Rack application.
  def call(env)
    case env.values_at("REQUEST_METHOD", "PATH_INFO")
    when %w[POST /authorise] then json(200, authorise(env["rack.input"].read))
    when %w[GET /health] then json(200, version: @slot.model.describe[:version])
    when %w[GET /metrics] then [200, { "Content-Type" => "text/plain; version=0.0.4" }, [@engine.metrics]]
    else json(404, error: "no such resource")
    end
  rescue Weighbridge::Error => e
    json(STATUSES.fetch(e.class, 500), error: e.message, feature: e.feature)
  end

  # Loads what the link points to, beside the model that serves, where that is something new.
  # @return [Boolean] whether it deployed
  def deploy
    target = File.realpath(@bundle)
    return false if target == @deployed

    @slot.load(target, **@loading)
    @deployed = target
    true
  rescue Weighbridge::Error, SystemCallError => e
    @logger.error("#{@bundle}: not deployed: #{e.message}")
    raise unless @deployed
  end

  # Deploys and logs every so often, on a thread of this process: once in each worker, since threads do not fork.
  def watch(seconds)
    Thread.new do
      loop do
        sleep seconds
        deploy
        @engine.log_to(@logger)
      end
    end
  end

  private

  def authorise(body)
    payment = JSON.parse(body)
    raise Weighbridge::InvalidInput, "the body: expected a JSON object" unless payment.is_a?(Hash)

    result = @slot.score(payment, deadline: BUDGET_SECONDS)
    { decision: @slot.schema.bands[result.band].name, score: result.score, fallback: result.reason,
      version: result.version }
  rescue JSON::ParserError
    raise Weighbridge::InvalidInput, "the body: expected JSON"
  end

  def json(status, body) = [status, { "Content-Type" => "application/json" }, [JSON.generate(body)]]
end
