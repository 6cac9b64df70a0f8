# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "json"
require "zlib"

module Weighbridge
  # The features and bands that `weighbridge codegen --json` wrote.
  class Schema < Handle
    Output = Struct.new(:index, :name, :size, keyword_init: true)
    Band = Struct.new(:index, :name, :below, keyword_init: true)

    # @param bundle [String, Pathname, Hash{String => String}] the file; or its name and text
    def self.load(bundle) = new(*read(bundle))

    # @return [Array(String, String)] name and text of the file
    def self.read(bundle)
      return bundle.first if bundle.is_a?(Hash) && bundle.size == 1

      path = bundle.respond_to?(:to_path) ? bundle.to_path : bundle
      raise InvalidArgument, "path: expected a String, got #{path.class}" unless path.is_a?(String)
      raise InvalidBundle, "#{path}: expected the file that `weighbridge codegen --json` wrote, got a folder" if
        File.directory?(path)

      [path, File.read(path, encoding: Encoding::UTF_8)]
    rescue SystemCallError => e
      raise FileError, "#{path}: #{e.message}"
    end
    private_class_method :read

    attr_reader :features, :bands, :outputs, :digest
    # Of the file, without folder and suffix: the version of what is loaded from it.
    attr_reader :file_name

    def initialize(path, text)
      @file_name = File.basename(path, ".*")
      document = parse(path, text)
      @features = document.fetch("features").each_with_index.map { |it, index| Feature.new(index, it) }.freeze
      @bands = document.fetch("bands").each_with_index.map { |it, index| band(index, it) }.freeze
      @outputs = [].freeze
      @by_name = @features.flat_map { |it| [[it.name, it], [it.name.name, it]] }.to_h.freeze
      @digest = Zlib.crc32(@features.map(&:promise).inspect)
    end

    def [](name) = @by_name[name] || unknown(name)

    def row(tail_bytes: 512) = Row.new(self, tail_bytes: tail_bytes)

    # A payment's values in the order of the features.
    def order(features)
      named = features.transform_keys { |name| self[name].name }
      raise InvalidInput, "a feature is named twice, by a String and by a Symbol" if named.size != features.size

      named.values_at(*@features.map(&:name))
    end

    def band_of(probability) = @bands.find { |it| probability < it.below }&.index

    # Why rows that were made for another schema do not fit this one: it lacks a feature of theirs, or requires more.
    # @return [String, nil]
    def misfit(other)
      return if digest == other.digest

      other.features.each do |was|
        now = @by_name[was.name]
        return "feature '#{was.name}': expected #{was.type_name} as before, got none" unless now
        return "feature '#{was.name}': expected #{was.promise}, got #{now.promise}" if now.promise != was.promise
      end
      required = other.features.select(&:required?).map(&:name)
      added = @features.find { |it| it.required? && !required.include?(it.name) }
      "feature '#{added.name}': expected a default, for it was not required; got none" if added
    end

    private

    def parse(path, text)
      document = JSON.parse(text)
      return document if document.is_a?(Hash) && document["weighbridge_codegen"] == 1

      raise InvalidBundle, "#{path}: expected what `weighbridge codegen --json` wrote, got other JSON"
    rescue JSON::ParserError
      raise InvalidBundle, "#{path}: expected what `weighbridge codegen --json` wrote, got no JSON"
    end

    def band(index, info)
      Band.new(index: index, name: info.fetch("name"), below: info.fetch("below", Float::INFINITY)).freeze
    end

    def unknown(name)
      raise InvalidArgument, "a feature's name: expected a Symbol or String, got #{name.class}" unless
        name.is_a?(Symbol) || name.is_a?(String)

      near = DidYouMean::SpellChecker.new(dictionary: @features.map { |it| it.name.name }).correct(name.to_s)
      raise NotFound, "there is no feature '#{name}'#{"; near: #{near.join(", ")}" unless near.empty?}"
    end
  end
end
