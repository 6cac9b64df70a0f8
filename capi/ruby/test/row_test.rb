# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0

require "bigdecimal"
require "date"
require "set"
require_relative "test_helper"

# What each type takes: the bytes are those that the library's own reader writes.
class RowTest < Minitest::Test
  def schema = @schema ||= Weighbridge::Schema.load("#{DRAFTS}/every-type")

  # The row that the library's reader makes of a feature given as JSON.
  def read(name, json) = schema.row.set_json("{\"#{name}\": #{json}}")

  def assert_same(name, json, value)
    expected = read(name, json)
    row = schema.row
    row[name] = value
    assert_equal expected.to_json, row.to_json, "#{name} = #{value.inspect}, set"
    assert_equal expected.to_json, schema.row.replace(name => value).to_json, "#{name} = #{value.inspect}, replaced"
  end

  def test_numbers
    assert_same :small, "0.1", 0.1
    assert_same :small, "3", 3
    assert_same :small, "1.5", 1.5r
    assert_same :small, "0.1", BigDecimal("0.1")
    assert_same :small, "9007199791611905", 9_007_199_791_611_905 # rounded once, not by way of a double
    assert_same :large, "-2.5e300", -2.5e300
    assert_same :count, "-9223372036854775808", -(2**63)
    assert_same :count, "1250", BigDecimal("1250.00")
    assert_same :count, "1250", 1250.0
    assert_same :code, "5411", 5411
    assert_same :flag, "true", true
    assert_same :flag, "false", false
    assert_same :flag, "1", 1
  end

  def test_times
    time = Time.utc(2026, 1, 1, 1, 2, 3.456r)
    assert_same :at, (time.to_r * 1000).to_i.to_s, time
    assert_same :at, (time.to_r * 1000).to_i.to_s, time.getlocal("+05:30")
    assert_same :at, (time.to_r * 1000).to_i.to_s, (time.to_r * 1000).to_i
    assert_same :at, (time.to_r * 1000).to_i.to_s, "2026-01-01T01:02:03.456Z"
    error = assert_raises(Weighbridge::InvalidInput) { schema.row[:at] = time + 0.0001r }
    assert_equal :at, error.feature
    assert_same :past_at, "[1000, 2000]", [Time.at(1), Time.at(2)]
  end

  def test_texts
    assert_same :city, '"Łódź"', "Łódź"
    assert_same :city, '"Łódź"', "Łódź".encode("UTF-16BE")
    assert_same :city, '"Łódź"', "Łódź".b
    assert_same :city, '"Łódź"', "Łódź".encode("ISO-8859-2")
    assert_same :city, '"Paris"', :Paris
    assert_same :note, '""', ""
    assert_same :note, "\"#{"x" * 5000}\"", "x" * 5000
  end

  def test_sequences
    assert_same :past_small, "[0.5, -0.25, 3]", [0.5, -0.25, 3]
    assert_same :past_small, "[0.5, -0.25]", [0.5, -0.25]
    assert_same :past_large, "[]", []
    assert_same :past_count, "[1, 2, 3]", [1, 2.0, BigDecimal("3")]
    assert_same :past_city, '["Paris", "", "Łódź"]', ["Paris", "", :Łódź]
    assert_same :past_code, "[5411]", [5411]
    assert_same :past_count, "[#{(1..5000).to_a.join(",")}]", (1..5000).to_a
  end

  def test_what_pack_would_round_is_the_librarys
    # Beyond float32, where pack writes an infinity.
    [1e300, -3.5e38, [1e300], 10**39].each do |value|
      name = value.is_a?(Array) ? :past_small : :small
      error = assert_raises(Weighbridge::InvalidInput) { schema.row[name] = value }
      assert_match(/\Afeature '#{name}': expected .*float32, got /, error.message)
      assert_raises(Weighbridge::InvalidInput) { schema.row.replace(name => value) }
    end
    assert_same :small, "3.4028234663852886e38", 3.4028234663852886e38
    assert_same :small, "\"Infinity\"", Float::INFINITY
    assert_same :large, "1e300", 1e300
    # Fractions that floats do not have.
    assert_same :count, "9007199254740993", Rational(2**53 + 1)
    assert_same :at, "9007199254740993", Rational(2**53 + 1)
    assert_same :count, "10", 10r
    [Rational(10**20 + 1, 10**20), 1.5r].each do |value|
      %i[count at code flag].each { |name| assert_raises(Weighbridge::InvalidInput) { schema.row[name] = value } }
    end
  end

  def test_what_is_no_number_is_one_value_in_every_form
    assert_same :small, '"NaN"', Float::NAN
    assert_same :large, '"NaN"', BigDecimal("NaN")
    assert_same :large, '"-Infinity"', BigDecimal("-Infinity")
    assert_same :past_small, '[1, "NaN"]', [1r, Float::NAN]
    error = assert_raises(Weighbridge::InvalidInput) { schema.row[:count] = BigDecimal("NaN") }
    assert_equal "feature 'count': expected int64, got NaN", error.message
  end

  # Many features of a type are looked at together where all is well, else one by one.
  def test_runs_of_features_take_and_refuse_what_single_ones_do
    values = [0, 1.5, -2.0, 2**60, 1r, BigDecimal("2.5"), nil, Float::NAN, Float::INFINITY, 1e300, true, "1", Time.at(0),
              2**64, BasicObject.new, [], 1i]
    Dir.mktmpdir do |dir|
      features = { "float32" => "f", "float64" => "d", "int64" => "i" }.flat_map do |type, letter|
        Array.new(6) { |i| { name: "#{letter}#{i}", type: type, missing: { default: 0 } } }
      end
      draft = JSON.parse(File.read("#{DRAFTS}/every-type/manifest.json"))
      draft.merge!("features" => features, "limits" => { "rows" => 16 }, "tensors" =>
        [{ name: "x", dtype: "float32", shape: ["batch", 18], features: features.map { |it| it[:name] } }])
      File.write("#{dir}/manifest.json", JSON.generate(draft))
      many = Weighbridge::Schema.load(dir)
      full = many.features.to_h { |it| [it.name, it.type == :int64 ? 7 : 0.5] }
      said = ->(row) { yield_of { row.call.to_json } }
      many.features.map(&:name).values_at(0, 3, 5, 6, 11, 12, 17).product(values).each do |name, value|
        one_by_one = said.call(-> { full.except(name).each_with_object(many.row) { |it, row| row[it[0]] = it[1] }.set(name => value) })
        assert_equal one_by_one, said.call(-> { many.row.replace(full.merge(name => value)) }), name
      end
    end
  end

  def yield_of
    yield
  rescue Weighbridge::Error => e
    [e.class, e.message, e.feature]
  end

  def test_objects_of_any_kind_are_refused_by_name
    strange = Class.new(Numeric) { def to_f = "x" }
    cyclic = [].tap { |it| it << it }
    deep = 100_000.times.inject(1) { |it, _| [it] }
    schema.features.each do |feature|
      [strange.new, BasicObject.new, cyclic, deep, Object.new, Class, 1..2, -> {}, Set[1], { a: 1 }].each do |value|
        error = assert_raises(Weighbridge::InvalidInput) { schema.row[feature.name] = value }
        assert_equal [-1, feature.name], [error.code, error.feature]
        assert_raises(Weighbridge::InvalidInput) { schema.row.replace(feature.name => value) }
      end
    end
    # A time is text for nobody but a timestamp's reader.
    error = assert_raises(Weighbridge::InvalidInput) { schema.row[:city] = Time.at(0) }
    assert_equal "feature 'city': expected category, got an object of class Time", error.message
    error = assert_raises(Weighbridge::InvalidInput) { schema.row[:at] = DateTime.now }
    assert_equal "feature 'at': expected timestamp, got an object of class DateTime; give a Time", error.message
  end

  def test_what_a_row_is_not_made_of_nor_filled_from_is_refused
    [nil, "x", 3].each { |it| assert_raises(Weighbridge::InvalidArgument) { Weighbridge::Row.new(it) } }
    [nil, -1, 1.5, "x", 2**32, 2**80].each { |it| assert_raises(Weighbridge::Error) { schema.row(tail_bytes: it) } }
    [nil, 3, [[:count, 1]], "x"].each do |it|
      assert_raises(Weighbridge::InvalidArgument) { schema.row.set(it) }
      assert_raises(Weighbridge::InvalidArgument) { schema.row.replace(it) }
    end
    frozen = schema.row.set(count: 3).freeze
    before = frozen.bytes
    [-> { frozen[:count] = 4 }, -> { frozen.set(count: 4) }, -> { frozen.replace(count: 4) }, -> { frozen.clear },
     -> { frozen.set_json('{"count": 4}') }].each { |use| assert_raises(FrozenError, &use) }
    assert_equal before, frozen.bytes
  end

  def test_names_in_every_form
    row = schema.row.replace(count: 3, city: "Paris")
    [{ "count" => 3, "city" => "Paris" }, { "count" => 3, city: "Paris" }, { count: 3, city: "Paris", note: nil },
     { "count" => 3, "city" => "Paris", "note" => nil }, { "count" => 3, city: "Paris", note: nil }].each do |names|
      assert_equal row.bytes, schema.row.replace(names).bytes, names
    end
    [{ count: 3, amuont: nil }, { "count" => 3, "amuont" => nil }].each do |names|
      assert_raises(Weighbridge::NotFound) { schema.row.replace(names) }
    end
  end

  def test_a_row_that_is_filled_again_has_nothing_of_before
    empty = schema.row.replace({})
    row = schema.row.replace(count: 3, note: "long " * 300, past_city: %w[Paris Łódź], small: 1.5)
    assert_raises(Weighbridge::InvalidInput) { row.replace(note: "x", count: "x") }
    # But for the capacity, of which it has more.
    assert_equal empty.bytes[4..], row.replace({}).bytes[4..]
    again = { count: 4, city: "Paris" }
    assert_equal schema.row.replace(again).bytes[4..], row.replace(again).bytes[4..]
  end

  def test_nil_is_missing
    row = schema.row.set(count: 3, city: "Paris")
    row[:count] = nil
    assert row.missing?(:count)
    refute row.missing?(:city)
    assert schema.row.replace(count: nil, "city" => "Paris").missing?("count")
  end

  def test_what_is_refused_names_the_feature_and_leaves_the_row
    row = schema.row.set(count: 3)
    before = row.bytes
    { count: [1.5, "3", true, 2**63, -(2**63) - 1, Float::NAN, Float::INFINITY, [3], {}, Object.new, 1i, nil..nil],
      flag: [2, "true", 0.5], small: ["0.5", true, [], 1i], city: [7, 1.5, true, [], {}], note: [1, ["a"]],
      at: ["yesterday", "2026-01-01", 1.5, true], past_small: [1, [nil], ["1"], [[1.0]], [Object.new]],
      past_city: ["Paris", [1], [nil]], past_count: [[1.5], [2**64]] }.each do |name, values|
      values.each do |value|
        error = assert_raises(Weighbridge::InvalidInput, "#{name} = #{value.inspect}") { row[name] = value }
        assert_equal [-1, name], [error.code, error.feature]
        assert_match(/\Afeature '#{name}': expected /, error.message)
        assert_equal before, row.bytes, "#{name} = #{value.inspect}"
        assert_raises(Weighbridge::InvalidInput) { schema.row.replace(name => value) }
      end
    end
  end

  def test_values_of_private_features_appear_nowhere
    row = schema.row.set(secret: 987_654, count: 3)
    assert_includes row.to_json, '"secret":"<redacted>","'
    refute_includes row.inspect + row.to_s, "987654"
    ["987654x", 987_654.25, [987_654], BigDecimal("987654.5"), 987_654 * 10**30].each do |value|
      error = assert_raises(Weighbridge::InvalidInput) { row[:secret] = value }
      refute_includes error.message, "987654"
    end
  end

  def test_names
    error = assert_raises(Weighbridge::NotFound) { schema.row[:cuont] = 1 }
    assert_equal [-22, true], [error.code, error.message.include?("count")]
    assert_raises(Weighbridge::NotFound) { schema.row.replace("cuont" => 1) }
    assert_raises(Weighbridge::InvalidInput) { schema.row.replace("count" => 1, count: 1) }
    assert_raises(Weighbridge::InvalidArgument) { schema.row.replace(3 => 1) }
    assert_raises(Weighbridge::InvalidArgument) { schema.row[nil] = 1 }
    assert_raises(Weighbridge::NotFound) { schema["Łódź"] }
    assert_raises(Weighbridge::InvalidArgument) { schema["\xFF"] }
    assert_raises(Weighbridge::InvalidArgument) { schema["count\0"] }
  end

  def test_json_grows_a_row_and_is_all_or_nothing
    row = schema.row(tail_bytes: 0).set_json(JSON.generate(note: "x" * 10_000, count: 3))
    before = row.bytes
    ["", "[]", "{", '{"cuont": 1}', '{"count": 1, "count": 2}', "{\"note\": \"\xFF\"}"].each do |json|
      assert_raises(Weighbridge::InvalidInput, json) { row.set_json(json) }
      assert_equal before, row.bytes
    end
    assert_raises(Weighbridge::InvalidArgument) { row.set_json(nil) }
  end

  def test_a_long_text_does_not_stay_in_memory
    with_model do |model|
      resident = -> { File.read("/proc/self/statm").split[1].to_i * 4096 }
      before = resident.call
      5.times do
        assert_raises(Weighbridge::InvalidInput) { model.score(**PAYMENT, country: "x" * 50_000_000) }
      end
      GC.start
      assert_operator resident.call - before, :<, 40_000_000
      assert_in_delta SCORE, model.score(**PAYMENT).score, 1e-6
    end
  end

  def test_a_copy_is_a_row_of_its_own
    row = schema.row.set(count: 3, note: "long " * 500)
    copy = row.dup
    copy[:count] = 4
    assert_includes row.to_json, '"count":3'
    assert_includes copy.to_json, '"count":4'
    assert_equal row.to_json.sub('"count":3', '"count":4'), copy.to_json
  end
end
