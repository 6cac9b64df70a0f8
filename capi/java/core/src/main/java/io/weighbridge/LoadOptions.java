// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.lang.ref.Reference;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a bundle is loaded. A plain value, whose options are set by name; {@link #list()} tells which there are.
 *
 * @since 0.2
 */
public final class LoadOptions {
    private final Map<String, String> options = new LinkedHashMap<>();
    private Duration budget;
    private Cancel cancel;

    /** Options with their defaults: plans only, precision as the plan's first, golden vectors verified. */
    public LoadOptions() {}

    /**
     * The options that there are.
     *
     * @return names, forms, defaults and help
     */
    public static List<Option> list() {
        return Option.list(Library.get()::loadOptionsDescribe);
    }

    /**
     * Sets an option by name.
     *
     * @param name such as "precision"
     * @param text its value, as {@link Option#form()} has it
     * @return this
     */
    public LoadOptions set(String name, String text) {
        options.put(name, text);
        return this;
    }

    /**
     * Which engines may run the model, best first. TorchScript is code: name "torchscript" only for bundles that you
     * trust.
     *
     * @param engines such as "native,reference"
     * @return this
     */
    public LoadOptions engines(String engines) {
        return set("engines", engines);
    }

    /**
     * The precision that serves.
     *
     * @param precision such as "fp32" or "int8"
     * @return this
     */
    public LoadOptions precision(String precision) {
        return set("precision", precision);
    }

    /**
     * How long the load may take.
     *
     * @param budget from the start of the load
     * @return this
     */
    public LoadOptions within(Duration budget) {
        this.budget = budget;
        return this;
    }

    /**
     * The flag that ends the load.
     *
     * @param cancel a flag
     * @return this
     */
    public LoadOptions cancelledBy(Cancel cancel) {
        this.cancel = cancel;
        return this;
    }

    interface Load<T> {
        T with(long options);
    }

    /** Runs a load with the native form of the options; null for defaults. */
    static <T> T during(LoadOptions options, Load<T> load) {
        if (options == null) return load.with(0);
        Frame frame = new Frame(8);
        Native library = frame.library;
        frame.check(library.loadOptionsCreate(frame.out(), frame.error()));
        long token = frame.outToken();
        try {
            options.options.forEach((name, text) -> {
                Frame one = new Frame(8, name, text);
                one.check(library.loadOptionsSet(token, one.text(0), one.text(1), one.error()));
            });
            if (options.cancel != null)
                frame.check(library.loadOptionsSetCancel(token, options.cancel.handle.token(), frame.error()));
            if (options.budget != null)
                frame.check(library.loadOptionsSetDeadline(token, Deadlines.after(options.budget), frame.error()));
            return load.with(token);
        } finally {
            Reference.reachabilityFence(options);
            library.loadOptionsFree(token);
        }
    }
}
