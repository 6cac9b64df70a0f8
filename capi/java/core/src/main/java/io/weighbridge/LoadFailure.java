// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/** Why a file could not be loaded as the native library. */
final class LoadFailure extends Exception {
    private static final long serialVersionUID = 1;

    LoadFailure(String path, String why) {
        super(path + ": " + why);
    }
}
