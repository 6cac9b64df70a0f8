# SPDX-License-Identifier: Apache-2.0
# weighbridge_verify: libweighbridge_verify.so, beside the library in weighbridge/, where the core looks for it. OpenSSL is
# inside it, hidden: the core itself stays without.
add_library(weighbridge_verify MODULE "${PROJECT_SOURCE_DIR}/lib/verify/verify.cpp")
target_include_directories(weighbridge_verify PRIVATE "${PROJECT_SOURCE_DIR}/lib")
target_include_directories(weighbridge_verify SYSTEM PRIVATE "${OPENSSL_INCLUDE_DIR}")
target_link_libraries(weighbridge_verify PRIVATE
    "${WEIGHBRIDGE_LIBCRYPTO_A}" Threads::Threads ${CMAKE_DL_LIBS} weighbridge_flags)
set(verify_map "${PROJECT_SOURCE_DIR}/lib/verify/weighbridge_verify.map")
target_link_options(weighbridge_verify PRIVATE "LINKER:--version-script=${verify_map}" "LINKER:--exclude-libs,ALL")
get_target_property(core_directory weighbridge LIBRARY_OUTPUT_DIRECTORY)
set_target_properties(weighbridge_verify PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY "${core_directory}/weighbridge"
    LINK_DEPENDS "${verify_map}")
# Whoever links the library finds it beside it.
add_dependencies(weighbridge weighbridge_verify)
