# frozen_string_literal: true
# SPDX-License-Identifier: Apache-2.0
# What training and deployments need besides scores: tensors, and reports on bundles.

require_relative "test_helper"

class BundleTest < Minitest::Test
  def test_tensors_of_numbers_and_codes
    with_model do |model|
      payments = [PAYMENT, { amount_minor: 9900, country: "DE", online: false }]
      numbers, country = tensors = model.schema.encode(payments)
      assert_equal [:numbers, :float32, [2, 3], nil], [numbers.name, numbers.dtype, numbers.shape, numbers.mask]
      expected = [Math.log(13.5), 2.5, 1, Math.log(100), 0, 0]
      assert_equal(expected.map { |it| [it].pack("f").unpack1("f") }, numbers.to_a)
      assert_equal [:country, :int64, [2], [1, 2]], [country.name, country.dtype, country.shape, country.to_a]
      assert_predicate tensors.first, :frozen?
      columns = payments.flat_map(&:keys).uniq.to_h { |name| [name, payments.map { |it| it[name] }] }
      assert_equal tensors.map(&:bytes), model.schema.encode(columns).map(&:bytes)
    end
  end

  def test_sequences_and_texts_are_padded_to_the_longest
    with_slow_model do |model, payments|
      lengths = payments.map { |it| [it["past_mcc"].to_a.size, 24].min }
      tensors = model.schema.encode(payments).to_h { |it| [it.name, it] }
      past = tensors.fetch(:past_codes)
      assert_equal [:int64, [payments.size, lengths.max, 2]], [past.dtype, past.shape]
      rows = past.mask.unpack("C*").each_slice(lengths.max)
      assert_equal(lengths, rows.map(&:sum))
      assert_equal past.mask, tensors.fetch(:past_mask).bytes
      assert_nil tensors.fetch(:numbers).mask
      # Alone, a payment has the same elements, without the padding.
      alone = model.schema.encode([payments[0]]).to_h { |it| [it.name, it] }.fetch(:past_codes).to_a
      assert_equal alone, past.to_a.first(alone.size)
      assert_equal :bool, tensors.fetch(:past_mask).dtype
    end
  end

  def test_the_first_wrong_payment_is_told
    with_model do |model|
      { { amount_minor: "1" } => :amount_minor, { amount_minor: -1 } => :amount_minor, { country: nil } => :country,
        { amount: 1 } => nil }.each do |wrong, feature|
        error = assert_raises(Weighbridge::Error) { model.schema.encode([PAYMENT, PAYMENT.merge(wrong), PAYMENT]) }
        assert_equal [1, feature], [error.row, error.feature], error.message
      end
      assert_raises(Weighbridge::InvalidArgument) { model.schema.encode([]) }
      assert_raises(Weighbridge::InvalidArgument) { model.schema.encode(17) }
    end
  end

  def test_a_bundle_is_described
    said = Weighbridge::Bundle.describe(fixture)
    assert_equal "1.0.0", said.fetch(:identity).fetch(:version)
    files = Dir.children(fixture).select { |it| File.file?("#{fixture}/#{it}") }
                .to_h { |it| [it, File.binread("#{fixture}/#{it}")] }
    assert_equal said, Weighbridge::Bundle.describe(files)
    assert_raises(Weighbridge::FileError) { Weighbridge::Bundle.describe("/nowhere") }
  end

  def test_a_bundle_is_verified
    with_engine do |engine|
      report = Weighbridge::Bundle.verify(engine, fixture, deadline: 60)
      assert_operator report.fetch(:vectors), :>, 0
      wrong = fixture("mlp-wrong-golden")
      error = assert_raises(Weighbridge::VerifyFailed) { Weighbridge::Bundle.verify(engine, wrong) }
      assert_equal(-18, error.code)
      refute_empty error.report.fetch(:mismatches)
      error = assert_raises(Weighbridge::Error) { Weighbridge::Bundle.verify(engine, "/nowhere") }
      refute_kind_of Weighbridge::VerifyFailed, error
    end
  end
end
