# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# Called by run.sh, which says what it does. Cases: `filled`, a filled row; `keywords`, 80 keywords; `async`, a future
# through the queue, inline try off; `inline`, a future by the inline try; `bare`, the C function through ffi alone, its
# arguments ready and the GVL released: what no binding by ffi goes below. With --calls each is held against the C call
# on the same row in this process, turn by turn.

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
  it.on("--calls SO", "libbench_calls.so: the C call in this process")
end.parse!(into: options)
lacking = %i[library bundle payments tolerance seconds] - options.keys
abort "one_row.rb: expected --#{lacking.join(", --")}" unless lacking.empty?

NAMES = Array.new(64) { |i| format("n%02d", i) } + Array.new(16) { |i| format("c%02d", i) }
NEVER = 2**63 - 1
ROUNDS_A_SECOND = 500
LEAST_ROUNDS = 31

# A way to score: `calls` times in a round, of which it takes the microseconds of a call. The block gets the round's
# payment and how many calls to make.
Way = Struct.new(:name, :calls, :run, :samples) do
  def turn(payment)
    run.call(payment, calls / 2) # the caches are as the way before has left them
    before = Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_microsecond)
    run.call(payment, calls)
    samples << (Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_microsecond) - before) / calls
  end

  def median = samples.sort[samples.size / 2].round(4)
end

# In turns, so that other work on the machine falls on all; the first half of the rounds warms up.
def measure(ways, rounds, count)
  (-rounds / 2...rounds).each do |round|
    ways.rotate(round).each { |way| way.turn(round % count) }
    ways.each { |way| way.samples.clear } if round == -1
  end
end

# Keywords as a service writes them: 80 literal names, in code that is read before a bundle is.
service = Object.new
service.instance_eval <<~RUBY, __FILE__, __LINE__ + 1
  def score(model, v) = model.score(#{NAMES.each_with_index.map { |name, i| "#{name}: v[#{i}]" }.join(", ")})
RUBY

data = File.binread(options[:payments])
count = data.unpack1("q<")
payments = Array.new(count) { |i| data.byteslice(8 + i * 392, 392).unpack("e64q<16E") }
logits = payments.map(&:pop)

engine = Weighbridge::Engine.new(library: options[:library], devices: "cpu=1")
model = engine.load(options[:bundle])
rows = payments.map { |values| model.row.replace(NAMES.map(&:to_sym).zip(values).to_h) }

library = FFI::DynamicLibrary.open(options[:library], FFI::DynamicLibrary::RTLD_NOW)
score = library.find_symbol("wb_model_score")
bare = FFI::Function.new(:int32, %i[pointer pointer pointer int64 pointer pointer], score, blocking: true)
handle = model.to_ptr

ways = {
  filled: ->(i) { model.score(rows[i]) },
  keywords: ->(i) { service.score(model, payments[i]) },
  async: ->(i) { engine.completions.submit(rows[i], NEVER, nil, model).value },
  inline: ->(i) { model.async(rows[i]).value },
  bare: lambda { |i|
    row = rows[i]
    bare.call(row.result, handle, row.data, NEVER, nil, row.error).zero? or abort "one_row.rb: the bare call failed"
    row.result
  }
}

# Answers first.
ways.each do |name, way|
  logits.each_with_index do |logit, i|
    answer = way.call(i)
    off = ((name == :bare ? answer.get_double(8) : answer.score) - logit).abs
    next if off <= options[:tolerance]

    abort "one_row.rb: #{name}, payment #{i}: expected #{logit} within #{options[:tolerance]}, off by #{off}"
  end
end

timed = ways.map do |name, way|
  Way.new(name, name == :async ? 5 : 20, ->(i, calls) { calls.times { way.call(i) } }, [])
end
if options[:calls]
  calls = FFI::DynamicLibrary.open(options[:calls], FFI::DynamicLibrary::RTLD_NOW)
  in_c = FFI::Function.new(:int64, %i[pointer pointer pointer int64], calls.find_symbol("bench_calls_score"))
  c = Way.new(:c, 20, lambda { |i, count|
    in_c.call(score, model, rows[i].data, count).positive? or abort "one_row.rb: the C call failed"
  }, [])
end

measure([c, *timed].compact, [(options[:seconds] * ROUNDS_A_SECOND).to_i, LEAST_ROUNDS].max, logits.size)
timed.each do |way|
  line = { case: way.name, language: "ruby", us: way.median }
  line[:c_us] = c.median if c
  puts JSON.generate(line)
end
