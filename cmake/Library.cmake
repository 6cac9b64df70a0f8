# SPDX-License-Identifier: Apache-2.0
# weighbridge_plan: the maths wing on its ground, which runs plans: without JSON, features or bundles.
# weighbridge_core: everything in lib/ but the plug-ins, what checks signatures, the importer and the command, for the library and for unit tests.
# weighbridge: the shared library, whose only symbols are wb_*.
file(GLOB_RECURSE WEIGHBRIDGE_CORE_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/*.cpp")
list(FILTER WEIGHBRIDGE_CORE_SOURCES EXCLUDE REGEX "/lib/(torch|verify|importer|cli)/")
set(WEIGHBRIDGE_PLAN_SOURCES ${WEIGHBRIDGE_CORE_SOURCES})
list(FILTER WEIGHBRIDGE_PLAN_SOURCES INCLUDE REGEX "/lib/(base|tensor|graph|plan|backend)/")
list(FILTER WEIGHBRIDGE_PLAN_SOURCES EXCLUDE REGEX "/lib/base/json[a-z_]*[.]cpp$")
list(REMOVE_ITEM WEIGHBRIDGE_CORE_SOURCES ${WEIGHBRIDGE_PLAN_SOURCES})
add_library(weighbridge_plan STATIC ${WEIGHBRIDGE_PLAN_SOURCES})
target_include_directories(weighbridge_plan PUBLIC "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(weighbridge_plan
    PUBLIC fmt::fmt-header-only weighbridge_sha256 Threads::Threads ${CMAKE_DL_LIBS}
    PRIVATE weighbridge_flags)
include(NativeKernels)
target_precompile_headers(weighbridge_plan PRIVATE <algorithm> <map> <memory> <optional> <string> <variant> <vector>)
add_library(weighbridge_core STATIC ${WEIGHBRIDGE_CORE_SOURCES})
target_link_libraries(weighbridge_core PUBLIC weighbridge_plan weighbridge_zlib PRIVATE weighbridge_flags)
target_precompile_headers(weighbridge_core REUSE_FROM weighbridge_plan)

file(GLOB WEIGHBRIDGE_CAPI_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/capi/src/*.cpp")
add_library(weighbridge SHARED ${WEIGHBRIDGE_CAPI_SOURCES})
add_library(weighbridge::weighbridge ALIAS weighbridge)
target_include_directories(weighbridge PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:include>")
target_compile_features(weighbridge INTERFACE c_std_99)
target_link_libraries(weighbridge PRIVATE weighbridge_core weighbridge_flags)
set(WEIGHBRIDGE_SYMBOL_MAP "${PROJECT_SOURCE_DIR}/capi/weighbridge.map")
target_link_options(weighbridge PRIVATE
    "LINKER:--version-script=${WEIGHBRIDGE_SYMBOL_MAP}" "LINKER:--exclude-libs,ALL")
if(NOT WEIGHBRIDGE_SANITIZE)
    target_link_options(weighbridge PRIVATE "LINKER:--no-undefined")
endif()
# The soname follows the C ABI, not the release: libweighbridge.so.1 while wb_abi_version() is 1.
file(STRINGS "${PROJECT_SOURCE_DIR}/include/weighbridge/c/base.h" WEIGHBRIDGE_ABI REGEX "^#define WB_ABI_VERSION ")
string(REGEX MATCH "[0-9]+$" WEIGHBRIDGE_ABI "${WEIGHBRIDGE_ABI}")
set_target_properties(weighbridge PROPERTIES
    VERSION ${PROJECT_VERSION}
    SOVERSION ${WEIGHBRIDGE_ABI}
    LINK_DEPENDS "${WEIGHBRIDGE_SYMBOL_MAP}"
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
