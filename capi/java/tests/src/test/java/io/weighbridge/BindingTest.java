// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.invoke.MethodHandles;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class BindingTest {
    record Payment(@Money(currency = "EUR") long amountMinor, Float ageDays, String country, boolean online) {}

    record Past(Instant paidAt, @Money(currency = "EUR") long amountMinor, @FeatureName("since_last_s") Long last,
            Boolean abroad, String country, int mcc, String entryMode,
            @Money(currency = "EUR") long[] pastAmountMinor, long[] pastAgeS, Instant[] pastPaidAt, float[] pastRisk,
            long[] pastMcc, String[] pastCountry) {}

    record Wrong(@Money(currency = "USD") long amountMinor, long ageDays, String contry) {}

    record NoMoney(long amountMinor, Float ageDays, String country, boolean online) {}

    private record Hidden(@Money(currency = "EUR") long amountMinor, String country, boolean online) {}

    @Test
    void recordsAreScored() throws Exception {
        try (Weighbridge engine = Weighbridge.create(); Slot slot = engine.createSlot("s").load(Fixtures.MLP)) {
            Binding<Payment> payments = slot.bind(Payment.class);
            Payment payment = new Payment(1250, 2.5f, "FR", true);
            assertEquals(Fixtures.SCORE, payments.score(payment).score(), 1e-6);
            assertEquals(Fixtures.SCORE, payments.score(payment, Duration.ofSeconds(5)).score(), 1e-6);
            assertEquals(Fixtures.SCORE, payments.submit(payment, null).get().score(), 1e-6);
            assertEquals(1, payments.score(new Payment(1250, null, "FR", true)).defaulted());
            assertEquals("country", assertThrows(InvalidInputException.class,
                    () -> payments.score(new Payment(1250, 2.5f, null, true))).feature());
            try (Batch batch = payments.batch(List.of(payment, payment))) {
                assertEquals(2, slot.scoreAll(batch).scored());
                assertEquals(Fixtures.SCORE, batch.score(1), 1e-6);
            }
            slot.load(Fixtures.MLP_V2);
            assertEquals("2.0.0", payments.score(payment).version());
            Binding<Hidden> hidden = slot.bind(Hidden.class, MethodHandles.lookup());
            assertEquals(1, hidden.score(new Hidden(1250, "FR", true)).defaulted());
        }
    }

    @Test
    void sequencesAndTimes() {
        try (Weighbridge engine = Weighbridge.create(); Model model = engine.load(Fixtures.CARD_TRANSFORMER)) {
            Instant now = Instant.ofEpochMilli(1667512177000L);
            Past past = new Past(now, 1916, 17201L, false, "FR", 5411, "chip", new long[] {1250, 990},
                    new long[] {17201, 90000}, new Instant[] {now.minusSeconds(17201), now.minusSeconds(90000)},
                    new float[] {0.1f, 0.2f}, new long[] {5411, 5812}, new String[] {"FR", "DE"});
            Row row = model.newRow().setJson("""
                    {"paid_at": 1667512177000, "amount_minor": 1916, "since_last_s": 17201, "abroad": false,
                     "country": "FR", "mcc": 5411, "entry_mode": "chip", "past_amount_minor": [1250, 990],
                     "past_age_s": [17201, 90000], "past_paid_at": [1667494976000, 1667422177000],
                     "past_risk": [0.1, 0.2], "past_mcc": [5411, 5812], "past_country": ["FR", "DE"]}""");
            Binding<Past> binding = model.bind(Past.class);
            assertEquals(row.toJson(), binding.fill(binding.newRow(), past).toJson());
            assertEquals(model.score(row).score(), binding.score(past).score());
        }
    }

    @Test
    void whatDoesNotFitIsListed() {
        try (Weighbridge engine = Weighbridge.create(); Model model = engine.load(Fixtures.MLP)) {
            WeighbridgeException wrong = assertThrows(SchemaException.class, () -> model.bind(Wrong.class));
            for (String part : List.of(
                    "expected @Money(currency = \"EUR\", exponent = 2), found @Money(currency = \"USD\"",
                    "component ageDays: expected float for float32, found long", "component contry: no such feature",
                    "feature country: category: required", "feature online: bool: required"))
                assertTrue(wrong.getMessage().contains(part), part + "\nis not in\n" + wrong.getMessage());
            wrong = assertThrows(SchemaException.class, () -> model.bind(NoMoney.class));
            assertTrue(wrong.getMessage().contains("is money: expected @Money"), wrong.getMessage());
        }
    }

    @Test
    void bindingAllocatesOnlyItsResult() {
        try (Weighbridge engine = Weighbridge.create(); Model model = engine.load(Fixtures.MLP)) {
            Binding<Payment> payments = model.bind(Payment.class);
            Row row = payments.newRow();
            Payment payment = new Payment(1250, 2.5f, "FR", true);
            var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
            long calls = 200_000;
            long allocated = 0;
            for (int round = 0; round < 4; ++round) {
                long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
                for (int i = 0; i < calls; ++i) model.score(payments.fill(row, payment));
                allocated = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
            }
            assertTrue(allocated < 0.01 * calls, allocated + " bytes in " + calls + " calls");
        }
    }
}
