// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.util.List;

/** The functions that tell versions and names, and hand texts over. */
abstract class FakeNames extends FakeObjects {
    private static final List<String> BACKENDS =
            List.of("none", "reference", "native", "torch", "torchscript", "cuda", "fake");
    private static final List<String> EVENTS = List.of("none", "loaded", "swapped", "refused", "fallback", "unloaded",
            "overload", "failed", "warning", "closed");
    private static final List<String> REASONS = List.of("none", "deadline", "overload", "backend", "short");

    @Override
    public int abiVersion() {
        return Layout.ABI_VERSION;
    }

    @Override
    public int abiMinor() {
        return Layout.ABI_MINOR;
    }

    @Override
    public long version() {
        return name(Version.TEXT);
    }

    @Override
    public long nowNs() {
        return System.nanoTime();
    }

    @Override
    public int systemInfo(long out, long err) {
        return text(out, err, () -> "{\"fake\": true}");
    }

    @Override
    public long statusName(int status) {
        Status found = Status.of(status);
        return name(found == Status.UNKNOWN ? "WB_UNKNOWN" : "WB_" + found);
    }

    @Override
    public long backendName(int backend) {
        return name(BACKENDS, backend);
    }

    @Override
    public long precisionName(int precision) {
        return name(precision == 0 ? "none" : precision == FakeEngine.PRECISION_FAKE ? "fake" : "?");
    }

    @Override
    public long reasonName(int reason) {
        return name(REASONS, reason);
    }

    @Override
    public long eventName(int event) {
        return name(EVENTS, event);
    }

    @Override
    public long typeName(int type) {
        return name(FakeSchema.TYPES, type);
    }

    @Override
    public long textData(long text) {
        return text;
    }

    @Override
    public long textSize(long text) {
        return texts.get(text).length;
    }

    @Override
    public void textFree(long text) {
        texts.remove(text);
    }
}
