# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# Runs the conformance cases that a fake has to (tests/conformance/README.md, "Fakes without the library"): what is
# wrong by name, type or absence is refused with the case's status and feature; all else is answered as the script says.

require_relative "fake_helper"

class FakeConformanceTest < Minitest::Test
  FLOATS = { "nan" => Float::NAN, "inf" => Float::INFINITY, "-inf" => -Float::INFINITY }.freeze
  REFUSED = %w[name type required].freeze
  SCORE = 0.625
  COUNTS = Hash.new(0)
  # A case with a key that is not known here fails.
  KNOWN = { file: %w[bundle engines may_refuse cases], case: %w[name row check expect],
            expect: %w[score_hex probability_hex score tolerance band defaulted clipped status feature bytes] }.freeze

  class << self
    def a_fakes?(document, one)
      !document.key?("options") && !document["schema_only"] && one.key?("row") && !one.key?("call")
    end

    def model(bundle)
      @engine ||= Weighbridge::Engine.new
      (@models ||= {})[bundle] ||= @engine.load("#{Support::SCHEMAS}/#{bundle}.json", fake_script: %({"score": #{SCORE}}))
    end
  end

  Dir["#{ENV.fetch("WB_CASES", "#{ROOT}/tests/conformance/cases")}/*.json"].sort.each do |path|
    document = JSON.parse(File.read(path))
    document["cases"].each_with_index do |one, number|
      next COUNTS["not a fake's"] += 1 unless a_fakes?(document, one)

      define_method(format("test_%s_%03d_%s", File.basename(path, ".json"), number, one["name"].tr(" ", "_"))) do
        { file: document, case: one, expect: one["expect"] }.each { |what, it| assert_empty it.keys - KNOWN[what] }
        run_case(self.class.model(document["bundle"]), one)
      end
    end
  end

  def value(given)
    return given.map { |it| value(it) } if given.is_a?(Array)
    return given unless given.is_a?(Hash)
    return FLOATS.fetch(given["$float"]) if given.key?("$float")

    given.key?("$bytes") ? [given["$bytes"]].pack("H*").force_encoding(Encoding::UTF_8) : given
  end

  def ways(model, values)
    { "a hash" => -> { model.score(values) }, "keywords" => -> { model.score(**values.transform_keys(&:to_sym)) },
      "set" => -> { model.score(model.row.set(values)) }, "async" => -> { model.async(values).value } }
  end

  def run_case(model, one)
    refused = REFUSED.include?(one["check"])
    ways(model, one["row"].transform_values { |it| value(it) }).each do |way, score|
      refused ? assert_refused(one["expect"], way, &score) : assert_equal(SCORE, score.call.score, way)
    end
    COUNTS[one.fetch("check", "right")] += 1
  end

  def assert_refused(expect, way, &score)
    error = assert_raises(Weighbridge::Error, way, &score)
    assert_equal expect["status"], error.code_name, "#{way}: #{error.message}"
    assert_equal expect["feature"], error.feature&.name, "#{way}: #{error.message}" if expect.key?("feature")
  end

  Minitest.after_run do
    puts "the fake and the conformance cases: #{COUNTS.sort.map { |check, count| "#{count} #{check}" }.join(", ")}"
  end
end

# The cases of each check are there to be run.
class FakeCasesTest < Minitest::Test
  def test_there_are_cases_of_each_check
    documents = Dir["#{ROOT}/tests/conformance/cases/*.json"].map { |path| JSON.parse(File.read(path)) }
    cases = documents.flat_map { |it| it["cases"].select { |one| FakeConformanceTest.a_fakes?(it, one) } }
    counts = cases.map { |one| one["check"] }.tally
    { nil => 100, "type" => 80, "required" => 20, "name" => 3, "value" => 30 }.each do |check, least|
      assert_operator counts.fetch(check, 0), :>=, least, check.inspect
    end
  end
end
