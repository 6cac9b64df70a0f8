/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <weighbridge.h>

int main(void) {
    printf("C: weighbridge %s\n", wb_version());
    return wb_abi_version() != WB_ABI_VERSION || wb_abi_minor() < WB_ABI_MINOR;
}
