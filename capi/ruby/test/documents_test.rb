# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# What is written about the binding holds: the README's program runs, the signatures are those of the code, everything
# public is documented.

require_relative "signatures"
require_relative "test_helper"

class DocumentsTest < Minitest::Test
  SIGNATURES = "#{ROOT}/capi/ruby/sig"
  # Those that hand over what the signatures forbid.
  WRONG_TYPES = "/deadline|names|json_grows|no_batch|errors_come|closed|refused|wrong_payment/"

  def test_the_readmes_program_runs
    program = File.read("#{ROOT}/README.md")[/^```ruby\n(.*?)^```$/m, 1]
    assert_operator program.lines.size, :<=, 10
    dir = "#{ROOT}/examples/bundles/card-transformer"
    fallback = JSON.parse(File.read("#{dir}/manifest.json"))["fallback"]["score"]
    # On a busy machine the fallback may answer: then once more.
    said = eventually do
      out, status = Open3.capture2e(RbConfig.ruby, "-I", "#{ROOT}/capi/ruby/lib", "-e", program, chdir: ROOT)
      assert status.success?, out
      out unless out.start_with?("score #{fallback}")
    end
    assert_match(/\Ascore 0\.\d{6} band (approve|review|decline)\n\z/, said)
  end

  # Those that YARD publishes.
  def documented
    require "yard"
    YARD::Logger.instance.level = YARD::Logger::ERROR
    YARD::Registry.clear
    YARD.parse(Dir["#{ROOT}/capi/ruby/lib/**/*.rb"].sort.reject { |it| it.include?("/fake/") })
    YARD::Registry.all(:method).reject { |it| hidden?(it) }.sort_by(&:path)
  end

  def hidden?(object)
    return false if object.root?

    object.visibility != :public || object.has_tag?(:private) || hidden?(object.namespace)
  end

  def test_everything_public_is_documented_and_signed
    methods = documented
    assert_operator methods.size, :>, 90
    assert_empty methods.select { |it| it.docstring.blank?(false) }.map(&:path)
    ours = methods.group_by { |it| it.namespace.path }.transform_values do |all|
      all.map { |it| "#{it.scope == :class ? "." : "#"}#{it.name}" }.uniq.sort
    end
    theirs = Signatures.read
    # A Struct's members are signed by their accessors, which are documented in one sentence.
    structs = %w[Weighbridge::Engine::Event Weighbridge::Schema::Output Weighbridge::Schema::Band]
    structs.each do |name|
      assert_equal Object.const_get(name).members.map { |it| "##{it}" }.sort, theirs.delete(name)
      ours.delete(name)
    end
    assert_equal theirs.keys.sort, ours.keys.sort
    theirs.each { |name, names| assert_equal names, ours[name], name }
  end

  def test_what_calls_take_and_give_is_as_signed
    begin
      gem "rbs"
    rescue LoadError
      return puts("documents_test: skipped: signatures against calls: there is no gem rbs here")
    end
    files = %w[scoring slot row batch async bundle].map { |it| "#{__dir__}/#{it}_test.rb" }
    env = { "RBS_TEST_TARGET" => "Weighbridge::*", "RBS_TEST_OPT" => "-I #{SIGNATURES}", "RBS_TEST_RAISE" => "true",
            "RBS_TEST_LOGLEVEL" => "error" }
    files.each do |file|
      command = [RbConfig.ruby, "-I", "#{__dir__}/../lib", "-r", "rbs/test/setup", file, "-e", WRONG_TYPES]
      out, status = Open3.capture2e(env, *command)
      assert status.success?, out
      assert_match(/[1-9]\d* runs/, out)
    end
  end
end
