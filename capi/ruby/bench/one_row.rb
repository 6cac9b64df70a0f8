# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# Times one row through the Ruby binding beside C: prints JSON with the medians in microseconds.
# usage: ruby -I capi/ruby/lib capi/ruby/bench/one_row.rb BUNDLE BENCH_ONE_ROW [--turns N] [--seconds S]
#   BUNDLE         with golden.jsonl, whose rows are scored
#   BENCH_ONE_ROW  the C program (ninja bench_one_row), which opens the library of WEIGHBRIDGE_LIBRARY
# C and Ruby take turns, so that other work on the machine falls on both. All give the same scores.

require "json"
require "open3"
require "optparse"
require "tempfile"
require "weighbridge"

options = { turns: 5, seconds: 1.0 }
parser = OptionParser.new do |it|
  it.banner = "usage: one_row.rb BUNDLE BENCH_ONE_ROW [--turns N] [--seconds S]"
  it.on("--turns N", Integer) { |n| options[:turns] = n }
  it.on("--seconds S", Float) { |n| options[:seconds] = n }
end
bundle, program = parser.parse!
abort parser.banner unless program

NEVER = 2**63 - 1
PACE = 64 # calls between two looks at the clock

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

def median(values) = values.sort[values.size / 2]

# Median seconds of a call, of samples of PACE calls.
def time(seconds)
  samples = []
  ends = now + seconds
  while (before = now) < ends
    i = 0
    while i < PACE
      yield i
      i += 1
    end
    samples << (now - before) / PACE
  end
  median(samples)
end

payments = File.foreach("#{bundle}/golden.jsonl").map { |line| JSON.parse(line)["row"].transform_keys(&:to_sym) }
engine = Weighbridge::Engine.new(devices: "cpu=1")
model = engine.load(bundle)
rows = payments.map { |it| model.row.replace(it) }
scores = rows.map { |it| model.score(it).score }
raise "keywords: other scores" unless payments.map { |it| model.score(**it).score } == scores

# Keywords as a caller writes them: literal names.
names = model.schema.features.map(&:name)
literal = Object.new
literal.instance_eval("def score(model, v) = model.score(#{names.each_with_index.map { |n, i| "#{n}: v[#{i}]" }.join(", ")})")
values = payments.map { |it| it.values_at(*names) }
raise "literal keywords: other scores" unless values.map { |it| literal.score(model, it).score } == scores
raise "queue: other scores" unless engine.completions.submit(rows[0], NEVER, nil, model).value.score == scores[0]

ways = {
  filled_row: ->(i) { model.score(rows[i % rows.size]) },
  keywords: ->(i) { literal.score(model, values[i % values.size]) },
  async_inline: ->(i) { model.async(rows[i % rows.size]).value },
  async_queue: ->(i) { engine.completions.submit(rows[i % rows.size], NEVER, nil, model).value }
}
found = Hash.new { |all, way| all[way] = [] }
lines = Tempfile.new("rows")
payments.each { |it| lines.puts(JSON.generate(it)) }
lines.flush
bits = scores.each_with_index.inject(0) { |all, (score, i)| all ^ (([score].pack("d").unpack1("Q") + i) & (2**64 - 1)) }
options[:turns].times do
  out, status = Open3.capture2(program, ENV.fetch("WEIGHBRIDGE_LIBRARY"), bundle, lines.path, options[:seconds].to_s)
  abort "#{program}: failed" unless status.success?
  nanoseconds, answer = out.split
  abort "C: other scores" unless answer.to_i(16) == bits
  found[:c] << nanoseconds.to_i * 1e-9
  ways.each { |way, call| found[way] << time(options[:seconds], &call) }
end
microseconds = found.transform_values { |it| (median(it) * 1e6).round(3) }
beyond = microseconds.except(:c).transform_values { |it| (it - microseconds[:c]).round(3) }
puts JSON.pretty_generate(features: names.size, ruby: RUBY_VERSION, ffi: FFI::VERSION, turns: options[:turns],
                          us: microseconds, us_beyond_c: beyond)
