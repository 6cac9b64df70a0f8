# SPDX-License-Identifier: Apache-2.0
# weighbridge_torch: libweighbridge_torch-<minor>.so, beside the library in weighbridge/, where the core looks for it.
if(NOT WEIGHBRIDGE_BUILD_TORCH)
    return()
endif()
include(LibTorch)
string(REGEX MATCH "^[0-9]+\\.[0-9]+" torch_minor "${WEIGHBRIDGE_LIBTORCH_VERSION}")

# What turns TorchScript's operators into a graph, and the graph itself, need no LibTorch header: they compile in a
# tenth of the time. The plug-in has the graph's code of its own, hidden; no C++ type crosses to the core's.
file(GLOB torch_lower_sources CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/lib/torch/lower/*.cpp" "${PROJECT_SOURCE_DIR}/lib/graph/*.cpp"
    "${PROJECT_SOURCE_DIR}/lib/graph/passes/*.cpp" "${PROJECT_SOURCE_DIR}/lib/tensor/*.cpp"
    "${PROJECT_SOURCE_DIR}/lib/compile/import_request.cpp" "${PROJECT_SOURCE_DIR}/lib/base/numerics*.cpp"
    "${PROJECT_SOURCE_DIR}/lib/base/format.cpp" "${PROJECT_SOURCE_DIR}/lib/base/utf8.cpp")
add_library(weighbridge_torch_lower STATIC ${torch_lower_sources})
target_include_directories(weighbridge_torch_lower PUBLIC "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/include")
# LibTorch's folder brings another fmt than the system's. Both are header-only here, in inline namespaces of their own.
target_link_libraries(weighbridge_torch_lower PUBLIC fmt::fmt-header-only PRIVATE weighbridge_flags)

target_precompile_headers(weighbridge_torch_lower PRIVATE
    <algorithm> <functional> <map> <optional> <string> <vector> <fmt/format.h>)

file(GLOB torch_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/torch/*.cpp")
add_library(weighbridge_torch MODULE ${torch_sources})
target_include_directories(weighbridge_torch PRIVATE "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(weighbridge_torch PRIVATE
    weighbridge_torch_lower Torch::torch_cpu Torch::c10 ${CMAKE_DL_LIBS} weighbridge_flags)
target_precompile_headers(weighbridge_torch PRIVATE <torch/csrc/jit/api/module.h>)
set(torch_map "${PROJECT_SOURCE_DIR}/lib/torch/weighbridge_torch.map")
target_link_options(weighbridge_torch PRIVATE "LINKER:--version-script=${torch_map}" "LINKER:--exclude-libs,ALL" "LINKER:--enable-new-dtags")
if(NOT WEIGHBRIDGE_SANITIZE)
    target_link_options(weighbridge_torch PRIVATE "LINKER:--no-undefined")
endif()
get_target_property(core_directory weighbridge LIBRARY_OUTPUT_DIRECTORY)
set_target_properties(weighbridge_torch PROPERTIES
    OUTPUT_NAME "weighbridge_torch-${torch_minor}"
    LIBRARY_OUTPUT_DIRECTORY "${core_directory}/weighbridge"
    LINK_DEPENDS "${torch_map}"
    # The plug-in finds LibTorch by itself only where it was built; an installed one is told (lib/torch/README.md).
    BUILD_RPATH "${WEIGHBRIDGE_LIBTORCH_ROOT}/lib"
    INSTALL_RPATH "")
# One of these files takes 1 GB to compile.
set_property(GLOBAL APPEND PROPERTY JOB_POOLS torch_compile=1)
set_target_properties(weighbridge_torch PROPERTIES JOB_POOL_COMPILE torch_compile)
