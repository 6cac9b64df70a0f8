# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# Called by run.sh, which says what it does. Cases: `filled`, a filled row; `keywords`, 80 keywords; `async`, a future
# through the queue, inline try off; `inline`, a future by the inline try.

require "json"
require "optparse"
require "weighbridge"

options = {}
OptionParser.new do |it|
  it.on("--library SO")
  it.on("--bundle DIR")
  it.on("--payments FILE")
  it.on("--tolerance T", Float)
  it.on("--seconds S", Float)
  it.on("--calls SO", "not used: the C call is timed by its own program")
end.parse!(into: options)
lacking = %i[library bundle payments tolerance seconds] - options.keys
abort "one_row.rb: expected --#{lacking.join(", --")}" unless lacking.empty?

NUMBERS = Array.new(64) { |i| format("n%02d", i).to_sym }
CODES = Array.new(16) { |i| format("c%02d", i).to_sym }
NEVER = 2**63 - 1
WARM_UP = 64
SAMPLE_SECONDS = 0.002

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

# The median of samples of SAMPLE_SECONDS, in microseconds of a call.
def measure(name, seconds, count)
  begin_ = now
  WARM_UP.times { |i| yield i % count }
  passes = 1 + (SAMPLE_SECONDS * WARM_UP / (now - begin_)).to_i
  samples = []
  at = 0
  ends = now + seconds
  while samples.size < 5 || now < ends
    before = now
    i = 0
    while i < passes
      yield at
      at = at + 1 == count ? 0 : at + 1
      i += 1
    end
    samples << (now - before) / passes
  end
  puts JSON.generate(case: name, language: "ruby", us: (samples.sort[samples.size / 2] * 1e6).round(4))
end

data = File.binread(options[:payments])
count = data.unpack1("q<")
payments = Array.new(count) { |i| data.byteslice(8 + i * 392, 392).unpack("e64q<16E") }
logits = payments.map(&:pop)

engine = Weighbridge::Engine.new(library: options[:library], devices: "cpu=1")
model = engine.load(options[:bundle])
rows = payments.map { |values| model.row.replace((NUMBERS + CODES).zip(values).to_h) }

# Keywords as a service writes them: 80 literal names.
service = Object.new
service.instance_eval <<~RUBY, __FILE__, __LINE__ + 1
  def score(model, v) = model.score(#{(NUMBERS + CODES).each_with_index.map { |name, i| "#{name}: v[#{i}]" }.join(", ")})
RUBY

# Answers first.
ways = {
  filled: ->(i) { model.score(rows[i]) },
  keywords: ->(i) { service.score(model, payments[i]) },
  async: ->(i) { engine.completions.submit(rows[i], NEVER, nil, model).value },
  inline: ->(i) { model.async(rows[i]).value }
}
ways.each do |name, way|
  logits.each_with_index do |logit, i|
    off = (way.call(i).score - logit).abs
    next if off <= options[:tolerance]

    abort "one_row.rb: #{name}, payment #{i}: expected #{logit} within #{options[:tolerance]}, off by #{off}"
  end
end

measure(:filled, options[:seconds], count) { |i| model.score(rows[i]) }
measure(:keywords, options[:seconds], count) { |i| service.score(model, payments[i]) }
measure(:async, options[:seconds], count) { |i| engine.completions.submit(rows[i], NEVER, nil, model).value }
measure(:inline, options[:seconds], count) { |i| model.async(rows[i]).value }
