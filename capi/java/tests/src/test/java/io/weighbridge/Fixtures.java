// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

import java.nio.file.Path;
import java.util.List;

/** The bundles that tests load: -Dwb.fixtures is what the build's make_fixture made. */
final class Fixtures {
    static final Path ROOT = Path.of(System.getProperty("wb.root")).toAbsolutePath().normalize();
    static final Path FIXTURES = Path.of(System.getProperty("wb.fixtures"));
    static final Path MLP = FIXTURES.resolve("mlp");
    static final Path MLP_V2 = FIXTURES.resolve("mlp-v2");
    static final Path CARD_MLP = ROOT.resolve("examples/bundles/card-mlp");
    static final Path CARD_TRANSFORMER = ROOT.resolve("examples/bundles/card-transformer");
    static final List<Path> BUNDLES =
            List.of(FIXTURES, ROOT.resolve("examples/bundles"), ROOT.resolve("tests/conformance/drafts"));

    private Fixtures() {}

    /** A right payment of the fixture mlp, whose score tests/conformance/cases/right.json has. */
    static Row payment(Row row) {
        return row.clear().set("amount_minor", 1250).set("age_days", 2.5).set("country", "FR").set("online", true);
    }

    static final double SCORE = 0.898105066;
}
