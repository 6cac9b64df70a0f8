# SPDX-License-Identifier: Apache-2.0
# The weighbridge command, over public headers only.
if(NOT WEIGHBRIDGE_BUILD_COMMAND)
    return()
endif()
file(GLOB WEIGHBRIDGE_CLI_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/cli/*.cpp")
add_executable(weighbridge_command ${WEIGHBRIDGE_CLI_SOURCES})
target_include_directories(weighbridge_command PRIVATE "${PROJECT_SOURCE_DIR}/lib")
target_link_libraries(weighbridge_command PRIVATE
    weighbridge weighbridge_flags CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt-header-only Threads::Threads)
# The library does the work: less optimised, the command compiles in three quarters of the time.
target_compile_options(weighbridge_command PRIVATE "$<$<CONFIG:Release>:-O1>")
# What every file includes; all else that is large is behind a header of its own (options.hpp, json.hpp, text.hpp).
target_precompile_headers(weighbridge_command PRIVATE <weighbridge.hpp>)
set_target_properties(weighbridge_command PROPERTIES
    OUTPUT_NAME weighbridge
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin"
    INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
