// SPDX-License-Identifier: Apache-2.0
package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.weighbridge.LoadOptions;
import io.weighbridge.WeighbridgeException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the service answers, without a model: the library's engine fake gives scores, latencies and errors by a script. */
class PaymentAnswersTest {
    private static final Path BUNDLE =
            Path.of(System.getProperty("wb.bundles", "../bundles")).resolve("card-transformer");
    private static final String PAYMENT = "{\"paid_at\": \"2026-01-01T01:00:00Z\", \"amount_minor\": 249900,"
            + " \"abroad\": true, \"country\": \"DE\", \"mcc\": 5732, \"entry_mode\": \"ecommerce\"}";
    /** Under two seconds where the machine has nothing else to do, mostly Java's HTTP client; this is generous. */
    private static final Duration MOST = Duration.ofSeconds(20);
    private static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static long began;

    @BeforeAll
    static void begin() {
        System.setProperty("sun.net.httpserver.nodelay", "true"); // as main does
        began = System.nanoTime();
    }

    @AfterAll
    static void end() {
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        System.out.printf("PaymentAnswersTest: %.1f s%n", took.toMillis() / 1e3);
        assertTrue(took.compareTo(MOST) < 0, "expected less than " + MOST + ", took " + took);
    }

    private static PaymentService service(String script) throws IOException {
        return new PaymentService(0, BUNDLE, new LoadOptions().engines("fake").set("fake_script", script));
    }

    private static HttpResponse<String> call(PaymentService service, String method, String path, String body) {
        try {
            URI address = URI.create("http://127.0.0.1:" + service.port() + path);
            return CLIENT.send(HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(60))
                    .method(method, HttpRequest.BodyPublishers.ofString(body)).build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException error) {
            throw new AssertionError(method + " " + path, error);
        }
    }

    private static HttpResponse<String> authorise(PaymentService service, String payment) {
        return call(service, "POST", "/authorise", payment);
    }

    private static void assertAnswer(int code, String part, HttpResponse<String> answer) {
        assertEquals(code, answer.statusCode(), answer.body());
        assertTrue(answer.body().contains(part), answer.body());
    }

    @Test
    void decisionsFollowTheScore() throws IOException {
        try (PaymentService service = service("{\"score\": [0.02, 0.999]}")) {
            for (String decision : List.of("approve", "decline", "approve"))
                assertAnswer(200, "\"decision\": \"" + decision + "\"", authorise(service, PAYMENT));
            assertAnswer(200, "\"by\": \"model\"", authorise(service, PAYMENT));
        }
    }

    @Test
    void whatIsWrongWithAPaymentIsTheCallers() throws IOException {
        try (PaymentService service = service("{}")) {
            Map<String, String> wrong = Map.of(PAYMENT.replace("249900", "\"249900\""), "amount_minor",
                    PAYMENT.replace("249900", "-1"), "amount_minor", PAYMENT.replace("\"country\"", "\"land\""), "land",
                    PAYMENT.replace("\"country\": \"DE\",", ""), "country", PAYMENT.replace("true", "2"), "abroad",
                    "no JSON", "");
            wrong.forEach((payment, name) -> assertAnswer(422, name, authorise(service, payment)));
            assertAnswer(200, "model", authorise(service, PAYMENT));
        }
    }

    @Test
    void theFallbackAnswersWhereTheModelDoesNot() throws IOException {
        for (String script : List.of("{\"failures\": [{\"status\": \"WB_BACKEND_FAILED\"}]}",
                "{\"failures\": [{\"status\": \"WB_OVERLOADED\"}]}", "{\"latency_us\": 60000000}")) {
            try (PaymentService service = service(script)) {
                assertAnswer(200, "\"by\": \"fallback\"", authorise(service, PAYMENT));
            }
        }
    }

    @Test
    void errorsWithoutAnAnswer() throws IOException {
        Map<String, Integer> errors = Map.of("WB_NOT_LOADED", 503, "WB_CANCELLED", 500, "WB_SCHEMA_CHANGED", 409);
        for (Map.Entry<String, Integer> one : errors.entrySet()) {
            String script = "{\"failures\": [{\"status\": \"" + one.getKey() + "\", \"message\": \"as told\"}]}";
            try (PaymentService service = service(script)) {
                assertAnswer(one.getValue(), "as told", authorise(service, PAYMENT));
            }
        }
    }

    @Test
    void healthMetricsAndDeployments() throws IOException {
        try (PaymentService service = service("{}")) {
            authorise(service, PAYMENT);
            assertAnswer(200, "serving 1\n", call(service, "GET", "/health", ""));
            assertAnswer(200, "weighbridge_slot_version_rows_total{slot=\"champion\",version=\"1\",bundle=\"",
                    call(service, "GET", "/metrics", ""));
            assertAnswer(500, "nowhere", call(service, "POST", "/reload", "/nowhere"));
            assertAnswer(200, "serving 1\n", call(service, "POST", "/reload", BUNDLE.toString()));
            assertAnswer(405, "expected GET", call(service, "POST", "/health", ""));
        }
        assertThrows(WeighbridgeException.class, () -> service("{\"load\": {\"status\": \"WB_VERIFY_FAILED\"}}"));
    }
}
