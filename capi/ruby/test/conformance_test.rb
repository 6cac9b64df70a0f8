# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# Runs tests/conformance/cases: each row by its features one by one, all at once, by keywords, and where JSON can say it
# as JSON. A case that cannot run, or has a key that is not known here, fails. WB_CASES names other cases.

require_relative "test_helper"

class ConformanceTest < Minitest::Test
  FLOATS = { "nan" => Float::NAN, "inf" => Float::INFINITY, "-inf" => -Float::INFINITY }.freeze
  DIRECTORIES = [FIXTURES, EXAMPLES, DRAFTS].freeze
  KNOWN = { file: %w[bundle engines options schema_only may_refuse cases],
            case: %w[name row json call check expect],
            expect: %w[score_hex probability_hex score tolerance band defaulted clipped reason status feature
                       bytes] }.freeze

  # The model of a file, or its schema alone.
  class << self
    def bundle(name)
      DIRECTORIES.map { |it| "#{it}/#{name}" }.find { |it| File.exist?("#{it}/manifest.json") } ||
        raise("#{name}: in none of #{DIRECTORIES.join(", ")}")
    end

    def model(document)
      @engine ||= Weighbridge::Engine.new
      (@models ||= {})[document.except("cases")] ||= load(document)
    end

    def schema(document) = (@schemas ||= {})[document["bundle"]] ||= Weighbridge::Schema.load(bundle(document["bundle"]))

    private

    def load(document)
      options = document.fetch("options", {}).transform_keys(&:to_sym)
      @engine.load(bundle(document["bundle"]), engines: document["engines"], **options)
    rescue Weighbridge::Error => e
      e.code_name == document["may_refuse"] ? :refused : raise
    end
  end

  Dir["#{ENV.fetch("WB_CASES", "#{ROOT}/tests/conformance/cases")}/*.json"].sort.each do |path|
    document = JSON.parse(File.read(path))
    document["cases"].each_with_index do |one, number|
      define_method(format("test_%s_%03d_%s", File.basename(path, ".json"), number, one["name"].tr(" ", "_"))) do
        { file: document, case: one, expect: one["expect"] }.each { |what, it| assert_empty it.keys - KNOWN[what] }
        schema_only?(document) ? assert_rows(document, one) : assert_scores(document, one)
      end
    end
  end

  def schema_only?(document)
    document.fetch("schema_only") { !document["cases"][0]["expect"].keys.intersect?(%w[score score_hex status]) }
  end

  def value(given)
    return given.map { |it| value(it) } if given.is_a?(Array)
    return given unless given.is_a?(Hash)
    return FLOATS.fetch(given["$float"]) if given.key?("$float")

    given.key?("$bytes") ? [given["$bytes"]].pack("H*").force_encoding(Encoding::UTF_8) : given
  end

  def plain?(given)
    case given
    when Hash then given.none? { |name, it| name.start_with?("$") || !plain?(it) }
    when Array then given.all? { |it| plain?(it) }
    else true
    end
  end

  # Each way to fill a row.
  def ways(one)
    return { "set_json" => ->(row) { row.set_json(one["json"]) } } if one.key?("json")

    values = one["row"].transform_values { |it| value(it) }
    ways = { "set" => ->(row) { row.set(values) }, "replace" => ->(row) { row.replace(values) } }
    # By JSON, which is a payment's text, an unknown name is bad input.
    ways["set_json"] = ->(row) { row.set_json(JSON.generate(one["row"])) } if plain?(one["row"]) && one["check"] != "name"
    ways
  end

  def filled(schema, one, way, fill)
    row = fill.call(schema.row(tail_bytes: 1024 - schema.fixed_bytes))
    # replace writes the tail in the schema's order, not in the case's.
    assert_includes one["expect"]["bytes"], row.bytes.unpack1("H*"), way if one["expect"].key?("bytes") && way != "replace"
    row
  end

  def assert_rows(document, one)
    ways(one).each { |way, fill| filled(self.class.schema(document), one, way, fill) }
  end

  def assert_scores(document, one)
    model = self.class.model(document)
    return if model == :refused

    options = one.fetch("call", {})
    deadline = { nil => nil, "past" => -1 }.fetch(options["deadline"])
    call = Weighbridge::Call.new(fallback: options.fetch("fallback", true))
    ways(one).each do |way, fill|
      judge(one, way) { model.score(filled(model.schema, one, way, fill), deadline: deadline, call: call) }
    end
    return unless one.key?("row")

    judge(one, "a hash") { model.score(one["row"].transform_values { |it| value(it) }, deadline: deadline, call: call) }
  end

  def judge(one, way)
    found = begin
      yield
    rescue Weighbridge::Error => e
      e
    end
    expect = one["expect"]
    said = found.is_a?(Weighbridge::Error) ? found.code_name : "WB_OK#{"_FALLBACK" if found.fallback?}"
    assert_equal expect.fetch("status", "WB_OK"), said, "#{way}: #{found.inspect}"
    assert_equal expect["feature"], found.feature.to_s, way if expect.key?("feature")
    assert_result(expect, found, way) if found.is_a?(Weighbridge::Result)
  end

  def assert_result(expect, found, way)
    assert_equal Float(expect["score_hex"]), found.score, way if expect.key?("score_hex")
    assert_equal Float(expect["probability_hex"]), found.probability, way if expect.key?("probability_hex")
    assert_in_delta expect["score"], found.score, expect["tolerance"], way if expect.key?("score")
    assert_equal expect["band"], found.band || -1, way if expect.key?("band")
    assert_equal expect["defaulted"], found.defaulted, way if expect.key?("defaulted")
    assert_equal expect["clipped"], found.clipped, way if expect.key?("clipped")
    assert_equal expect["reason"], found.reason.to_s, way if expect.key?("reason")
  end
end
