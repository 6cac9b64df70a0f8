// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The functions on options of engines and loads. */
abstract class FakeOptions extends FakeNames {
    private static final List<String> ENGINE_OPTIONS = List.of("default_deadline_us", "devices", "queue_limit",
            "async_threads", "event_capacity", "fairness_us");
    private static final List<String> LOAD_OPTIONS = List.of("engines", "fake_script", "precision", "verify");

    /** Options by name; of a load deadline and token besides. */
    static final class Options {
        final Map<String, String> texts = new HashMap<>();
        long deadline = Deadlines.NONE;
        FakeEngine.Flag cancel;
    }

    int set(long options, List<String> known, long name, long text, long err) {
        return call(err, () -> {
            String option = memory.at(name).text();
            if (!known.contains(option))
                throw new FakeFailure(Status.NOT_FOUND, "there is no option '" + option + "'; there are: " + known);
            get(Options.class, options).texts.put(option, memory.at(text).text());
        });
    }

    int describe(long out, List<String> known, int index, long err) {
        return call(err, () -> {
            if (index >= known.size()) throw new FakeFailure(Status.NOT_FOUND, "no more options");
            memory.at(out).put(Layout.OPTION_INFO_NAME, 64, known.get(index))
                    .put(Layout.OPTION_INFO_FORM, 128, "text").put(Layout.OPTION_INFO_INITIAL, 64, "")
                    .put(Layout.OPTION_INFO_HELP, 256, "as the library's");
        });
    }

    @Override
    public int engineOptionsCreate(long out, long err) {
        return make(out, err, Options::new);
    }

    @Override
    public int engineOptionsDescribe(long out, int index, long err) {
        return describe(out, ENGINE_OPTIONS, index, err);
    }

    @Override
    public void engineOptionsFree(long options) {
        free(options);
    }

    @Override
    public int engineOptionsSet(long options, long name, long text, long err) {
        return set(options, ENGINE_OPTIONS, name, text, err);
    }

    @Override
    public int loadOptionsCreate(long out, long err) {
        return make(out, err, Options::new);
    }

    @Override
    public int loadOptionsDescribe(long out, int index, long err) {
        return describe(out, LOAD_OPTIONS, index, err);
    }

    @Override
    public void loadOptionsFree(long options) {
        free(options);
    }

    @Override
    public int loadOptionsSet(long options, long name, long text, long err) {
        return set(options, LOAD_OPTIONS, name, text, err);
    }

    @Override
    public int loadOptionsSetCancel(long options, long cancel, long err) {
        return call(err, () -> get(Options.class, options).cancel = get(FakeEngine.Flag.class, cancel));
    }

    @Override
    public int loadOptionsSetDeadline(long options, long deadlineNs, long err) {
        return call(err, () -> get(Options.class, options).deadline = deadlineNs);
    }
}
