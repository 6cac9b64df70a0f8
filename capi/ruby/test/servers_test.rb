# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# The example service under Puma and Unicorn, with workers that are restarted and a slot that is reloaded meanwhile: no
# request may fail. 1,000 requests each; WB_FULL=1: 10,000.

require "net/http"
require_relative "test_helper"

class ServersTest < Minitest::Test
  SERVICE = "#{ROOT}/examples/ruby"
  REQUESTS = FULL ? 10_000 : 1_000
  RESTARTS = FULL ? 10 : 4
  CLIENTS = 4

  def free_port = TCPServer.open("127.0.0.1", 0) { |it| it.addr[1] }

  # Runs a server on a link to the fixture mlp.
  def serve(command, env = {})
    Dir.mktmpdir do |dir|
      @link = "#{dir}/current"
      File.symlink(fixture, @link)
      @port = free_port
      @log = "#{dir}/log"
      env = { "WEIGHBRIDGE_BUNDLE" => @link, "BIND" => "tcp://127.0.0.1:#{@port}", "RACK_ENV" => "production",
              "RUBYLIB" => File.expand_path("../lib", __dir__) }.merge(env)
      @master = Process.spawn(env, *command, "#{SERVICE}/config.ru", %i[out err] => @log, chdir: dir)
      eventually { answers? || (Process.wait(@master, Process::WNOHANG) && flunk(File.read(@log))) }
      yield
    ensure
      stop
    end
  end

  def stop
    Process.kill("TERM", @master)
    eventually { Process.wait(@master, Process::WNOHANG) }
  end

  def answers?
    request { |http| http.get("/health") }.is_a?(Net::HTTPOK)
  rescue SystemCallError
    false
  end

  # A connection of its own for each, so that it is any worker's.
  def request(&block) = Net::HTTP.start("127.0.0.1", @port, open_timeout: 60, read_timeout: 60, &block)

  def authorise(payment) = post(JSON.generate(payment))

  def post(body) = request { |http| http.post("/authorise", body, "Content-Type" => "application/json") }

  # The workers that are ready and alive, by what both servers log. (Not by their parents: those of Puma's fork_worker are
  # worker 0's, and nobody's once that is replaced.)
  def workers
    logged = File.read(@log).scan(/PID: (\d+)\) booted|#(\d+)\].* worker=\d+ ready/).flatten.compact
    logged.uniq.map(&:to_i).select { |pid| alive?(pid) }
  end

  def alive?(pid)
    File.read("/proc/#{pid}/stat")[/\) (\w)/, 1] != "Z"
  rescue SystemCallError
    false
  end

  # Points the link elsewhere, as a deployment does: at once.
  def point_to(name)
    File.symlink(fixture(name), "#{@link}.new")
    File.rename("#{@link}.new", @link)
  end

  # A worker is ended and comes back, the slot gets another bundle, over and over. The next worker is ended when there
  # are two again.
  # @yield [workers] ends one of them, which it returns
  def disturb
    until @done
      point_to(@restarted.size.even? ? "mlp-v2" : "mlp")
      # Puma's fork_worker ends workers by itself too, where worker 0 is a new one.
      victim = yield eventually { (now = workers).size == 2 && now }
      eventually { !workers.include?(victim) }
      @restarted << victim
      sleep 0.3
    end
  end

  def gone_within(seconds, worker)
    eventually(seconds) { !workers.include?(worker) }
  rescue Minitest::Assertion
    false
  end

  # Ends one worker after the other.
  def hold_while_ending(name, signal)
    hold(name) { |now| now[@restarted.size % 2].tap { |victim| Process.kill(signal, victim) } }
  end

  # Requests until there were enough, and enough restarts under them.
  def hold(name, &ending)
    eventually { workers.size == 2 }
    @done = false
    @restarted = []
    @versions = []
    @failed = []
    disturber = Thread.new { disturb(&ending) }
    enough = -> { (@versions.size >= REQUESTS && @restarted.size >= RESTARTS) || !disturber.alive? }
    Array.new(CLIENTS) { Thread.new { client until enough.call } }.each(&:join)
    @done = true
    disturber.join
    assert_equal [], @failed.first(5), File.read(@log)
    assert_equal %w[1.0.0 2.0.0], @versions.uniq.compact.sort
    puts "#{name}: #{@versions.size} requests, #{@failed.size} failures, #{@restarted.size} workers restarted, " \
         "#{@versions.tally.map { |version, count| "#{count} by #{version}" }.sort.join(", ")}"
  end

  def client
    answer = authorise(PAYMENT.merge(amount_minor: 1 + rand(100)))
    body = JSON.parse(answer.body)
    @failed << [answer.code, body] unless answer.is_a?(Net::HTTPOK) && body["score"].between?(0, 1)
    @versions << body["version"]
  rescue StandardError => e
    @failed << e
    @versions << nil
  end

  def test_puma_with_preloaded_workers
    serve(["puma", "-C", "#{SERVICE}/puma.rb"]) { hold_while_ending("puma, preload_app!", "TERM") }
  end

  def test_puma_with_workers_forked_by_a_worker
    serve(["puma", "-C", "#{SERVICE}/puma.rb"], "FORK_WORKER" => "1") do
      hold_while_ending("puma, fork_worker", "TERM")
    end
  end

  # Worker 0, which has served meanwhile, forks the other one anew.
  def test_puma_with_workers_forked_anew_by_signal
    serve(["puma", "-C", "#{SERVICE}/puma.rb"], "FORK_WORKER" => "1") do
      first = nil
      hold("puma, refork") do |now|
        first ||= now.first
        # Nobody ended worker 0, which booted first.
        assert_equal first, now.first, File.read(@log)
        # Puma forgets a signal that comes while it starts a restart of its own, as after 1,000 requests: asked again.
        6.times do
          Process.kill("URG", @master)
          break if gone_within(5, now.last)
        end
        now.last
      end
    end
  end

  def test_unicorn_with_preloaded_workers
    serve(["unicorn", "-c", "#{SERVICE}/unicorn.rb"]) { hold_while_ending("unicorn, preload_app", "QUIT") }
  end

  def test_its_answers
    serve(["puma", "-C", "#{SERVICE}/puma.rb"]) do
      answer = authorise(PAYMENT)
      body = JSON.parse(answer.body)
      assert_equal ["200", "review", "1.0.0", nil], [answer.code, *body.values_at("decision", "version", "fallback")]
      assert_in_delta SCORE, body["score"], 1e-6
      wrong = { "{" => nil, "[]" => nil, '{"amuont": 1}' => nil, JSON.generate(PAYMENT.merge(online: 3)) => "online",
                JSON.generate(PAYMENT.merge(amount_minor: -1)) => "amount_minor", "{}" => "amount_minor" }
      wrong.each do |payment, feature|
        refused = post(payment)
        assert_equal ["422", feature], [refused.code, JSON.parse(refused.body)["feature"]], payment
      end
      assert_equal "404", request { |http| http.get("/other") }.code
      assert_includes request { |http| http.get("/metrics") }.body, "weighbridge_slot_requests_total"
    end
  end
end
