# SPDX-License-Identifier: Apache-2.0
# System packages that the core needs. fmt is used header-only, so that no formatting symbol leaves the library.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
if(WEIGHBRIDGE_BUILD_COMMAND)
    find_package(CLI11 REQUIRED)
endif()
if(WEIGHBRIDGE_BUILD_TESTS)
    find_package(Catch2 REQUIRED)
endif()
