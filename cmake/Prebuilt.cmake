# SPDX-License-Identifier: Apache-2.0
# The library as another build made it (WEIGHBRIDGE_PREBUILT), of which only the Python module is compiled: wheels for
# several interpreters have one library.
file(REAL_PATH "${WEIGHBRIDGE_PREBUILT}" WEIGHBRIDGE_PREBUILT_FILE)
if(NOT EXISTS "${WEIGHBRIDGE_PREBUILT_FILE}")
    message(FATAL_ERROR "WEIGHBRIDGE_PREBUILT: expected libweighbridge.so, got ${WEIGHBRIDGE_PREBUILT}")
endif()
file(STRINGS "${PROJECT_SOURCE_DIR}/include/weighbridge/c/base.h" WEIGHBRIDGE_ABI REGEX "^#define WB_ABI_VERSION ")
string(REGEX MATCH "[0-9]+$" WEIGHBRIDGE_ABI "${WEIGHBRIDGE_ABI}")
add_library(weighbridge SHARED IMPORTED)
set_target_properties(weighbridge PROPERTIES
    IMPORTED_LOCATION "${WEIGHBRIDGE_PREBUILT_FILE}"
    IMPORTED_SONAME "libweighbridge.so.${WEIGHBRIDGE_ABI}"
    IMPORTED_NO_SYSTEM ON  # as another build has it, for ccache
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
