// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.Array;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What `weighbridge codegen --java` writes compiles, binds to its bundle, and scores as JSON does. */
class CodegenTest {
    @TempDir
    Path folder;

    private Class<? extends Record> generated(Path bundle, String name) throws Exception {
        Path source = folder.resolve(name + ".java");
        Process codegen = new ProcessBuilder(System.getProperty("wb.command"), "codegen", bundle.toString(), "--java",
                "--package", "com.acme", "--name", name, "--output", source.toString()).inheritIO().start();
        assertEquals(0, codegen.waitFor());
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int status = ToolProvider.getSystemJavaCompiler().run(null, errors, errors, "-Xlint:all", "-Werror",
                "-proc:none", "-d", folder.toString(), "-cp",
                Weighbridge.class.getProtectionDomain().getCodeSource().getLocation().getPath(), source.toString());
        assertEquals(0, status, errors.toString());
        URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader());
        return loader.loadClass("com.acme." + name).asSubclass(Record.class);
    }

    @Test
    void everyBundle() throws Exception {
        try (Weighbridge engine = Weighbridge.create()) {
            for (Path bundle : new Path[] {Fixtures.MLP, Fixtures.CARD_MLP, Fixtures.CARD_TRANSFORMER}) {
                try (Model model = engine.load(bundle)) {
                    String name = "Of" + bundle.getFileName().toString().replace('-', '_');
                    Class<? extends Record> type = generated(bundle, name);
                    assertEquals(model.schema().features().size(), type.getRecordComponents().length);
                    check(model, type);
                }
            }
        }
    }

    /** A record whose components are as empty as they can be fills a row of missing and zero values. */
    private static <T extends Record> void check(Model model, Class<T> type) throws Exception {
        Binding<T> binding = model.bind(type);
        Class<?>[] types = Arrays.stream(type.getRecordComponents()).map(c -> c.getType()).toArray(Class<?>[]::new);
        // 0, false, null
        Object[] values = Arrays.stream(types).map(t -> Array.get(Array.newInstance(t, 1), 0)).toArray();
        Row row = binding.fill(binding.newRow(), type.getDeclaredConstructor(types).newInstance(values));
        for (Feature feature : model.schema().features()) {
            boolean primitive = types[feature.index()].isPrimitive();
            assertEquals(!primitive, row.isMissing(feature), feature.toString());
            assertTrue(primitive == (feature.isRequired() && !feature.isText() && !feature.isSequence()
                    && feature.type != Feature.TIMESTAMP), feature.toString());
        }
    }
}
