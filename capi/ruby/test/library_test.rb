# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# How the library is found, and what is said where none fits. Each in a process of its own.

require_relative "test_helper"

class LibraryTest < Minitest::Test
  NOWHERE = { "WEIGHBRIDGE_LIBRARY" => nil, "LD_LIBRARY_PATH" => nil }.freeze
  SAY = 'require "weighbridge"; begin; Weighbridge.load_library(ENV["ARGUMENT"]); ' \
        "puts Weighbridge::VERSION; rescue Weighbridge::LibraryError => e; puts e.message; end"

  def say(env = {}) = ruby(SAY, NOWHERE.merge(env))

  def in_dir(&block) = Dir.mktmpdir(&block)

  def test_it_is_found_by_argument_by_environment_and_where_it_is_installed
    assert_equal "#{Weighbridge::VERSION}\n", say("ARGUMENT" => LIBRARY)
    assert_equal "#{Weighbridge::VERSION}\n", say("WEIGHBRIDGE_LIBRARY" => LIBRARY)
    assert_equal "#{Weighbridge::VERSION}\n", say("LD_LIBRARY_PATH" => File.dirname(LIBRARY))
    # The environment's is not asked where there is an argument.
    assert_equal "#{Weighbridge::VERSION}\n", say("ARGUMENT" => LIBRARY, "WEIGHBRIDGE_LIBRARY" => "/nowhere.so")
  end

  def test_errors_have_the_librarys_names
    Weighbridge.load_library
    kinds = ObjectSpace.each_object(Weighbridge::Error.singleton_class).select(&:code)
    assert_equal 22, kinds.size
    native = Weighbridge.module_eval("Native", __FILE__, __LINE__)
    kinds.each { |it| assert_equal native.wb_status_name(it.code), it.code_name }
  end

  def test_every_place_that_was_tried_is_named
    said = say
    assert_match(/no libweighbridge that fits weighbridge\.gem 0\.2\.0 \(expected abi 1, minor 2 or later\); tried:/, said)
    assert_match(/installed, libweighbridge\.so\.1: could not be loaded: /, said)
    assert_match(%r{in the gem, .*/lib/weighbridge/native/libweighbridge\.so\.1: no such file}, said)
    assert_match(%r{argument, /nowhere\.so: no such file}, say("ARGUMENT" => "/nowhere.so"))
    assert_match(/^Set WEIGHBRIDGE_LIBRARY to its path, or install the gem that carries it/, said)
    assert_match(%r{environment variable WEIGHBRIDGE_LIBRARY, /nowhere\.so: no such file},
                 say("WEIGHBRIDGE_LIBRARY" => "/nowhere.so"))
  end

  def test_what_is_no_library
    in_dir do |dir|
      File.write("#{dir}/text.so", "text")
      assert_match(/expected an ELF library, found another kind of file/, say("ARGUMENT" => "#{dir}/text.so"))
      File.write("#{dir}/none.so", "")
      assert_match(/expected an ELF library, found an empty file/, say("ARGUMENT" => "#{dir}/none.so"))
      assert_match(/expected a file, found a directory/, say("ARGUMENT" => dir))
      # Opening one would wait for a writer.
      File.mkfifo("#{dir}/fifo.so")
      assert_match(/expected a file, found a fifo/, say("ARGUMENT" => "#{dir}/fifo.so"))
      other = build_library(dir, "int f(void) { return 1; }")
      assert_match(/not a weighbridge library: it has no function wb_version/, say("ARGUMENT" => other))
    end
  end

  # The loader says of the first that there is no such file; the last would end the process.
  def test_another_machines_library_and_one_that_was_cut_off
    in_dir do |dir|
      elf = File.binread(LIBRARY)
      arm = elf.dup.tap { |it| it[18] = "\xB7".b }
      small = elf.dup.tap { |it| it[4] = "\x01".b }
      cpu = RbConfig::CONFIG["host_cpu"]
      { arm => /built for aarch64, and this Ruby runs on #{cpu}/, small => /built for #{cpu} with 32 bits, and this/,
        elf[0, 30] => /cut off: 30 bytes/, elf[0, 64] => /cut off: 64 bytes/,
        elf[0, elf.bytesize / 2] => /cut off: #{elf.bytesize / 2} bytes, expected at least \d+/ }.each do |bytes, expected|
        File.binwrite("#{dir}/it.so", bytes)
        assert_match(expected, say("ARGUMENT" => "#{dir}/it.so"))
      end
    end
  end

  def stub(major, minor, rest = "")
    in_dir do |dir|
      path = build_library(dir, "const char *wb_version(void) { return \"9.8.7\"; } int wb_abi_version(void) { return " \
                                "#{major}; } int wb_abi_minor(void) { return #{minor}; } #{rest}")
      yield path
    end
  end

  def test_another_abi
    [[2, 0], [1, 1]].each do |major, minor|
      stub(major, minor) do |path|
        assert_match(/version 9\.8\.7, abi #{major}, minor #{minor}: expected abi 1, minor 2 or later/,
                     say("ARGUMENT" => path))
      end
    end
    in_dir do |dir|
      oldest = build_library(dir, 'const char *wb_version(void) { return "0.1.0"; }' \
                                  "int wb_abi_version(void) { return 1; }")
      assert_match(/version 0\.1\.0, abi 1, minor 0: expected abi 1, minor 2 or later/, say("ARGUMENT" => oldest))
    end
  end

  def test_a_missing_function_is_named_with_both_versions
    names = Weighbridge.const_get(:Native)::FUNCTIONS.keys - %i[wb_version wb_abi_minor wb_slot_score]
    stub(1, 7, names.map { |it| "void #{it}(void) {}" }.join) do |path|
      assert_match(/version 9\.8\.7, abi 1, minor 7: it lacks wb_slot_score, which weighbridge\.gem 0\.2\.0 calls/,
                   say("ARGUMENT" => path))
    end
  end

  def test_an_unfit_installed_library_gives_way_to_the_gems_own
    stub(1, 1) do |path|
      said = say("LD_LIBRARY_PATH" => File.dirname(path))
      assert_match(/installed, libweighbridge\.so\.1: version 9\.8\.7, abi 1, minor 1: expected/, said)
      assert_match(/in the gem, .*no such file/, said)
    end
  end

  def test_one_library_in_a_process
    error = assert_raises(Weighbridge::LibraryError) do
      Weighbridge.load_library(LIBRARY)
      Weighbridge.load_library("/other.so")
    end
    assert_match(%r{#{LIBRARY} is loaded already: expected it, got /other\.so}, error.message)
  end

  def test_the_table_of_functions_is_the_headers
    said = Dir["#{ROOT}/include/weighbridge/c/*.h"].map { |it| File.read(it) }.join
    native = Weighbridge.const_get(:Native)
    letters = { "size_t" => "z", "int32_t" => "i", "uint32_t" => "n", "int64_t" => "l", "uint64_t" => "u" }
    native::FUNCTIONS.each do |name, types|
      parameters = said[/\b#{name}\(([^)]*)\);/m, 1] or flunk "#{name}: in no header"
      expected = parameters.split(",").map(&:strip).reject { |it| it == "void" }.map do |parameter|
        next "s" if parameter.match?(/\Aconst char \*/)

        parameter.include?("*") ? "p" : letters.fetch(parameter[/\A\w+/])
      end
      # A text with its length beside it may have any bytes.
      expected[2] = "p" if name == :wb_row_set_json
      assert_equal expected.join, types, name
    end
  end

  def test_the_kinds_of_handles_are_the_headers
    header = File.read("#{ROOT}/include/weighbridge/c/engine.h")
    expected = header.scan(/#define WB_HANDLE_(\w+) (\d+)/).to_h { |name, number| [number.to_i, name.downcase.to_sym] }
    kinds = Weighbridge::Engine.module_eval("HANDLES", __FILE__, __LINE__)
    assert_equal expected, kinds.each_with_index.to_h { |kind, number| [number, kind] }.compact.reject { |_, it| it.nil? }
  end

  def test_the_structs_are_the_headers
    structs = Weighbridge.const_get(:Structs)
    fields = (structs.constants - [:Sized]).to_h { |name| [name, structs.const_get(name)] }
    program = fields.flat_map do |name, struct|
      c = "wb_#{name.to_s.gsub(/(?<!^)([A-Z])/, '_\1').downcase}"
      ["printf(\"#{name} %zu\\n\", sizeof(#{c}));"] + struct.members.map do |member|
        "printf(\"#{name}.#{member} %zu\\n\", offsetof(#{c}, #{member}));"
      end
    end
    ours = fields.flat_map do |name, it|
      ["#{name} #{it.size}"] + it.members.map { |member| "#{name}.#{member} #{it.offset_of(member)}" }
    end
    packed = { "error" => :ERROR_BYTES, "result" => :RESULT_BYTES, "completion" => :COMPLETION_BYTES }
    native = Weighbridge.const_get(:Native)
    ours += packed.map { |name, it| "#{name} #{native.const_get(it)}" }
    program += packed.keys.map { |name| "printf(\"#{name} %zu\\n\", sizeof(wb_#{name}));" }
    in_dir do |dir|
      headers = %w[stdio.h stddef.h weighbridge.h].map { |it| "#include <#{it}>\n" }
      File.write("#{dir}/sizes.c", "#{headers.join}int main(void) {#{program.join}}")
      out, status = Open3.capture2e("cc", "-I#{ROOT}/include", "#{dir}/sizes.c", "-o", "#{dir}/sizes")
      assert status.success?, out
      assert_equal `#{dir}/sizes`.lines.map(&:chomp), ours
    end
  end
end
