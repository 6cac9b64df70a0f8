# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "rbconfig"

module Weighbridge
  # Whether a file is a library for this machine. The dynamic loader is not asked first: of another machine's library it
  # says that there is no such file, and a file that was cut off ends the process with SIGBUS.
  # @private
  module Elf
    NAMES = { 3 => "x86", 40 => "arm", 62 => "x86_64", 183 => "aarch64", 243 => "riscv64" }.freeze
    HEADER_BYTES = 64
    LOADED = 1
    private_constant :NAMES, :HEADER_BYTES, :LOADED

    module_function

    # @return [String, nil] why the file cannot be loaded here
    def refuse(path)
      return "no such file" unless File.exist?(path)
      return "expected a file, found a #{File.ftype(path)}" unless File.file?(path)

      File.open(path, "rb") { |file| wrong(file) }
    rescue SystemCallError => e
      "not readable: #{e.message}"
    end

    def wrong(file)
      header = file.read(HEADER_BYTES) || ""
      return "expected an ELF library, found #{header.empty? ? "an empty file" : "another kind of file"}" unless
        header.start_with?("\x7FELF".b)
      return "cut off: #{file.size} bytes" if header.bytesize < HEADER_BYTES

      bits, order = header.unpack("x4CC")
      number = header.unpack1(order == 2 ? "n" : "v", offset: 18)
      found = NAMES.fetch(number) { "machine #{number}" } + (bits == 1 ? " with 32 bits" : "")
      return "built for #{found}, and this Ruby runs on #{RbConfig::CONFIG["host_cpu"]}" if
        found != RbConfig::CONFIG["host_cpu"]

      cut_off(file, header)
    end

    def cut_off(file, header)
      at = header.unpack1("Q<", offset: 32)
      entry, count = header.unpack("x54vv")
      file.seek(at)
      table = file.read(entry * count) || ""
      return "cut off: #{file.size} bytes" if table.bytesize < entry * count || entry < 56

      segments = Array.new(count) { |i| table.unpack("x#{i * entry}L<x4Q<x16Q<") }
      end_ = segments.map { |type, offset, bytes| type == LOADED ? offset + bytes : 0 }.max || 0
      "cut off: #{file.size} bytes, expected at least #{end_}" if file.size < end_
    end

    # @return [String] what may be behind the loader's own refusal
    def hint
      return "" unless RbConfig::CONFIG["host_os"].include?("musl")

      " (this Ruby runs on musl, as on Alpine: a library that was built for glibc cannot be loaded)"
    end
    private_class_method :wrong, :cut_off
  end
  private_constant :Elf
end
