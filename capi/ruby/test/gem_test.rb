# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# The gems, built, installed into a clean GEM_HOME and used; ffi is the system's, and the fake needs none.

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

  # Built once for all tests.
  def self.gems
    @gems ||= Dir.mktmpdir.tap do |out|
      Minitest.after_run { FileUtils.rm_rf(out) }
      said, status = Open3.capture2e("#{ROOT}/capi/ruby/build_gems.sh", LIBRARY, out)
      raise said unless status.success?
    end
  end

  def install(gem, home)
    out, status = Open3.capture2e({ "GEM_HOME" => home }, "gem", "install", "--local", "--no-document",
                                  "#{self.class.gems}/#{gem}")
    assert status.success?, out
  end

  def use(gem, env)
    Dir.mktmpdir do |home|
      install(gem, home)
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
    refute_match(/\.so|test|bench|fake/, out)
  end

  def test_the_fakes_gem_takes_the_place_of_the_other
    Dir.mktmpdir do |home|
      install("weighbridge-fake-0.2.0.gem", home)
      env = { "GEM_HOME" => home, "GEM_PATH" => home, "RUBYLIB" => nil, "WEIGHBRIDGE_LIBRARY" => nil }
      out, status = Open3.capture2e(env, RbConfig.ruby, "-e", <<~RUBY)
        require "weighbridge/fake"
        require "weighbridge"
        text = '{"weighbridge_codegen": 1, "features": [{"name": "amount_minor", "type": "int64"}], "bands": []}'
        model = Weighbridge::Engine.new.load({ "card.json" => text }, fake_script: '{"score": 0.5}')
        print model.score(amount_minor: 1).score, defined?(FFI).inspect
        print $LOADED_FEATURES.grep(/fake.rb/)[0].start_with?(ENV["GEM_HOME"])
      RUBY
      assert status.success?, out
      assert_equal "0.5niltrue", out
    end
  end
end
