// SPDX-License-Identifier: Apache-2.0
package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The service as a process of its own, under load, on the build's fixture bundles (-Dwb.fixtures). */
class PaymentServiceTest {
    private static final String PAYMENT =
            "{\"amount_minor\": 1250, \"age_days\": 2.5, \"country\": \"FR\", \"online\": true}";
    private static final Path FIXTURES = Path.of(System.getProperty("wb.fixtures"));
    private static final int CLIENTS = 8;
    private static final int REQUESTS = 500;

    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private Process service;
    private BufferedReader output;
    private String address;

    @BeforeEach
    void start() throws IOException {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
        command.addAll(Arrays.asList(System.getProperty("weighbridge.options").split(" ")));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), PaymentService.class.getName(), "0",
                FIXTURES.resolve("mlp").toString()));
        service = new ProcessBuilder(command).redirectErrorStream(true).start();
        output = new BufferedReader(new InputStreamReader(service.getInputStream()));
        String line = output.readLine();
        while (line != null && !line.startsWith("listening on ")) line = output.readLine();
        assertTrue(line != null, "the service did not start");
        address = "http://127.0.0.1:" + line.split("[ ,]+")[2];
    }

    @AfterEach
    void kill() {
        service.destroyForcibly();
    }

    private HttpResponse<String> call(String method, String path, String body)
            throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(URI.create(address + path)).timeout(Duration.ofSeconds(60))
                .method(method, HttpRequest.BodyPublishers.ofString(body)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void answersAndRefusals() throws Exception {
        HttpResponse<String> answer = call("POST", "/authorise", PAYMENT);
        assertEquals(200, answer.statusCode());
        assertTrue(answer.body().contains("\"score\": 0.8981") && answer.body().contains("\"version\": \"1.0.0\""),
                answer.body());
        assertEquals(422, call("POST", "/authorise", "{\"amount_minor\": -1}").statusCode());
        HttpResponse<String> wrong = call("POST", "/authorise", "{\"amount_minor\": 1}");
        assertEquals(422, wrong.statusCode());
        assertTrue(wrong.body().contains("country"), wrong.body());
        assertEquals(422, call("POST", "/authorise", "no JSON").statusCode());
        assertEquals(405, call("GET", "/authorise", "").statusCode());
        assertEquals("serving 1.0.0\n", call("GET", "/health", "").body());
        assertEquals(409, call("POST", "/reload", FIXTURES.resolve("mlp-usd").toString()).statusCode());
        assertEquals(500, call("POST", "/reload", "/nowhere").statusCode());
        assertEquals(200, call("POST", "/authorise", PAYMENT).statusCode());
        String metrics = call("GET", "/metrics", "").body();
        assertTrue(metrics.matches("(?s).*weighbridge_slot_version_rows_total\\{slot=\"champion\",version=\"1\\.0\\.0\",bundle=\"[0-9a-f]{16}\"\\} 2\n.*"), metrics);
    }

    /** Clients ask all the time while the bundle is reloaded, again and again: no request fails. */
    @Test
    void reloadsUnderLoad() throws Exception {
        Map<String, AtomicInteger> versions = new ConcurrentHashMap<>();
        List<String> failures = new ArrayList<>();
        AtomicBoolean done = new AtomicBoolean();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; ++i) {
            Thread thread = new Thread(() -> ask(versions, failures));
            thread.start();
            clients.add(thread);
        }
        Thread reloads = new Thread(() -> {
            for (int i = 0; !done.get(); ++i) {
                try {
                    HttpResponse<String> answer =
                            call("POST", "/reload", FIXTURES.resolve(i % 2 == 0 ? "mlp-v2" : "mlp").toString());
                    if (answer.statusCode() != 200) fail(failures, answer.toString() + answer.body());
                } catch (Exception error) {
                    fail(failures, "reload: " + error);
                    return;
                }
            }
        });
        reloads.start();
        for (Thread thread : clients) thread.join();
        done.set(true);
        reloads.join();
        assertEquals(List.of(), failures);
        assertEquals(CLIENTS * REQUESTS, versions.values().stream().mapToInt(AtomicInteger::get).sum());
        assertTrue(versions.size() == 2, "one version answered alone: " + versions);
        assertEquals(200, call("GET", "/health", "").statusCode());
    }

    private void ask(Map<String, AtomicInteger> versions, List<String> failures) {
        for (int i = 0; i < REQUESTS; ++i) {
            try {
                HttpResponse<String> answer = call("POST", "/authorise", PAYMENT);
                String body = answer.body();
                // Each version has its own score: an answer that mixed the two would be seen.
                boolean first = body.contains("\"version\": \"1.0.0\"");
                boolean right = first ? body.contains("\"score\": 0.8981")
                        : body.contains("\"version\": \"2.0.0\"") && !body.contains("0.8981");
                boolean byFallback = body.contains("\"by\": \"fallback\"");
                if (answer.statusCode() != 200 || !(right || byFallback)) fail(failures, answer + body);
                versions.computeIfAbsent(first ? "1" : "2", v -> new AtomicInteger()).incrementAndGet();
            } catch (Exception error) {
                fail(failures, error.toString());
                return;
            }
        }
    }

    private static void fail(List<String> failures, String what) {
        synchronized (failures) {
            failures.add(what);
        }
    }

    /** SIGTERM under load: what is under way is answered, the next is told so, and the process ends by itself. */
    @Test
    void stopsGracefully() throws Exception {
        List<String> failures = new ArrayList<>();
        AtomicInteger answered = new AtomicInteger();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < 4; ++i) {
            Thread thread = new Thread(() -> {
                for (;;) {
                    try {
                        HttpResponse<String> answer = call("POST", "/authorise", PAYMENT);
                        if (answer.statusCode() == 503 && answer.body().equals("stopping\n")) return;
                        if (answer.statusCode() != 200) fail(failures, answer + answer.body());
                        answered.incrementAndGet();
                    } catch (IOException closed) {
                        return;
                    } catch (InterruptedException error) {
                        fail(failures, error.toString());
                        return;
                    }
                }
            });
            thread.start();
            clients.add(thread);
        }
        while (answered.get() < 200 && service.isAlive()) Thread.onSpinWait();
        service.toHandle().destroy(); // SIGTERM; Process.destroy() would close its output too
        assertTrue(service.waitFor(60, TimeUnit.SECONDS), "still running");
        for (Thread thread : clients) thread.join();
        assertEquals(143, service.exitValue());
        assertEquals("stopped", output.readLine());
        assertEquals(List.of(), failures);
    }
}
