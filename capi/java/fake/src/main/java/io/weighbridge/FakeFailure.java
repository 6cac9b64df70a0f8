// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/** What a call of the fake fails with. */
final class FakeFailure extends RuntimeException {
    private static final long serialVersionUID = 1;
    final int code;
    final int feature;

    FakeFailure(Status status, String message) {
        this(status, message, -1);
    }

    FakeFailure(Status status, String message, int feature) {
        super(message, null, false, false);
        code = status.code();
        this.feature = feature;
    }

    static FakeFailure argument(String message) {
        return new FakeFailure(Status.INVALID_ARGUMENT, message);
    }

    Status status() {
        return Status.of(code);
    }
}
