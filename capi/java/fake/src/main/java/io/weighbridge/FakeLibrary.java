// SPDX-License-Identifier: Apache-2.0
package io.weighbridge;

/**
 * The library's functions in pure Java, in the place of libweighbridge, for tests on machines that it does not run on:
 * -Dweighbridge.native.access=fake. A bundle is the file that `weighbridge codegen DIR --json` wrote. Each noun's
 * functions are a class of their own, which uses those below it.
 */
final class FakeLibrary extends FakeQueues {}
