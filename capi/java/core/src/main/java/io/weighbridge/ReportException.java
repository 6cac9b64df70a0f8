// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * A bundle was refused, with a report that says why in full.
 *
 * @since 0.2
 */
public final class ReportException extends WeighbridgeException {
    private static final long serialVersionUID = 1;

    /** JSON, as the C ABI gives it. */
    private final String report;

    ReportException(int code, String message, String report) {
        super(code, message, null, -1);
        this.report = report;
    }

    /**
     * The report.
     *
     * @return a JSON object
     */
    public String report() {
        return report;
    }
}
