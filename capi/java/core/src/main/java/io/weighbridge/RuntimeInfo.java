// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * What this process loaded, and how.
 *
 * @param access how functions are called: "ffm" on JDK 22 and later, "jni" before and where
 *     {@code -Dweighbridge.native.access=jni} forces it
 * @param library the file of the library
 * @param foundBy where it was found, such as "java.library.path"
 * @param libraryVersion the library's version
 * @param bindingVersion this binding's version
 * @param abi the library's ABI, such as "1.2"
 * @since 0.2
 */
public record RuntimeInfo(String access, String library, String foundBy, String libraryVersion, String bindingVersion,
        String abi) {}
