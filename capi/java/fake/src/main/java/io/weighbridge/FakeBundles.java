// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The functions on bundles: files that codegen wrote, in folders or in memory. */
abstract class FakeBundles extends FakeEngines {
    private record Source(Map<String, byte[]> files) {}

    static String read(String path) {
        try {
            if (Files.isDirectory(Path.of(path)))
                throw new FakeFailure(Status.INVALID_BUNDLE,
                        path + ": expected the file that `weighbridge codegen --json` wrote, got a folder");
            return Files.readString(Path.of(path));
        } catch (IOException | InvalidPathException error) {
            throw new FakeFailure(Status.IO_ERROR, path + ": " + error.getMessage());
        }
    }

    Map.Entry<String, String> file(long source) {
        Map<String, byte[]> files = get(Source.class, source).files;
        if (files.size() != 1)
            throw new FakeFailure(Status.INVALID_BUNDLE,
                    "expected the one file that codegen wrote, got " + files.keySet());
        Map.Entry<String, byte[]> one = files.entrySet().iterator().next();
        return Map.entry(one.getKey(), new String(one.getValue(), StandardCharsets.UTF_8));
    }

    @Override
    public int sourceCreate(long out, long err) {
        return make(out, err, () -> new Source(new LinkedHashMap<>()));
    }

    @Override
    public int sourceAddFile(long source, long name, long data, long size, long err) {
        return call(err, () -> get(Source.class, source).files.put(memory.at(name).text(),
                memory.at(data).bytes(0, (int) size)));
    }

    @Override
    public void sourceFree(long source) {
        free(source);
    }

    @Override
    public int bundleInspect(long out, long path, long err) {
        return unsupported("bundles to describe", err);
    }

    @Override
    public int bundleInspectSource(long out, long source, long err) {
        return unsupported("bundles to describe", err);
    }

    @Override
    public int bundleVerify(long out, long engine, long path, long options, long err) {
        return unsupported("bundles to verify", err);
    }

    @Override
    public int bundleVerifySource(long out, long engine, long source, long options, long err) {
        return unsupported("bundles to verify", err);
    }

    @Override
    public int bundleCompile(long out, long engine, long path, long precisions, int dumpPasses, long options,
            long err) {
        return unsupported("bundles to compile", err);
    }

    @Override
    public int bundlePack(long engine, long module, long manifest, long golden, long outDir, long err) {
        return unsupported("bundles to pack", err);
    }
}
