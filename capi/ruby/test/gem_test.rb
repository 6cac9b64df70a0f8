# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# Both gems, built, installed into a clean GEM_HOME and used; ffi is the system's.

require_relative "test_helper"

class GemTest < Minitest::Test
  USE = <<~RUBY
    gem "weighbridge"
    require "weighbridge"
    Weighbridge::Engine.open do |engine|
      model = engine.load(ENV["WB_BUNDLE"])
      puts model.score(amount_minor: 1250, age_days: 2.5, country: "FR", online: true).score.round(6)
    end
    puts $LOADED_FEATURES.grep(/weighbridge\\.rb/), Gem.loaded_specs["weighbridge"].platform
  RUBY

  # Built once for both tests.
  def self.gems
    @gems ||= Dir.mktmpdir.tap do |out|
      Minitest.after_run { FileUtils.rm_rf(out) }
      said, status = Open3.capture2e("#{ROOT}/capi/ruby/build_gems.sh", LIBRARY, out)
      raise said unless status.success?
    end
  end

  def use(gem, env)
    Dir.mktmpdir do |home|
      out, status = Open3.capture2e({ "GEM_HOME" => home }, "gem", "install", "--local", "--no-document",
                                    "#{self.class.gems}/#{gem}")
      assert status.success?, out
      env = { "GEM_HOME" => home, "RUBYLIB" => nil, "WEIGHBRIDGE_LIBRARY" => nil, "WB_BUNDLE" => fixture }.merge(env)
      out, status = Open3.capture2e(env, RbConfig.ruby, "-e", USE)
      assert status.success?, out
      score, path, platform = out.lines.map(&:chomp)
      assert_equal [SCORE.round(6).to_s, true], [score, path.start_with?(home)]
      yield platform, Dir.children("#{home}/gems")
    end
  end

  def test_the_plain_gem_finds_an_installed_library
    use("weighbridge-0.2.0.gem", "LD_LIBRARY_PATH" => File.dirname(LIBRARY)) do |platform, gems|
      assert_equal ["ruby", ["weighbridge-0.2.0"]], [platform, gems]
    end
  end

  def test_the_platform_gem_carries_its_own
    use("weighbridge-0.2.0-x86_64-linux.gem", "LD_LIBRARY_PATH" => nil) do |platform, gems|
      assert_equal ["x86_64-linux", ["weighbridge-0.2.0-x86_64-linux"]], [platform, gems]
    end
  end

  def test_a_gem_has_what_it_says_and_nothing_else
    out, = Open3.capture2("gem", "specification", "#{self.class.gems}/weighbridge-0.2.0.gem", "files")
    assert_includes out, "lib/weighbridge/layout.rb"
    assert_includes out, "sig/weighbridge.rbs"
    refute_match(/\.so|test|bench/, out)
  end
end
