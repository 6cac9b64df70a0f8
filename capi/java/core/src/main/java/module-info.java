// SPDX-License-Identifier: Apache-2.0
/** Scores payments inside the payment service's own process, through libweighbridge. */
module io.weighbridge {
    exports io.weighbridge;
}
