// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.util.ArrayList;
import java.util.List;

/**
 * An option that is set by its name, as a configuration file has it.
 *
 * @param name such as "queue_limit"
 * @param form what its text is, such as "a whole number in [0, 1000000]"
 * @param initial the text that sets its default
 * @param help one line: what it does
 * @since 0.2
 */
public record Option(String name, String form, String initial, String help) {
    interface Describe {
        int at(long out, int index, long error);
    }

    static List<Option> list(Describe describe) {
        List<Option> all = new ArrayList<>();
        for (int i = 0;; ++i) {
            Frame frame = new Frame(Layout.OPTION_INFO_SIZEOF);
            int status = describe.at(frame.out(), i, frame.error());
            if (status == Status.NOT_FOUND.code()) return List.copyOf(all);
            frame.check(status);
            all.add(new Option(frame.outChars(Layout.OPTION_INFO_NAME, 64),
                    frame.outChars(Layout.OPTION_INFO_FORM, 128), frame.outChars(Layout.OPTION_INFO_INITIAL, 64),
                    frame.outChars(Layout.OPTION_INFO_HELP, 256)));
        }
    }
}
