# SPDX-License-Identifier: Apache-2.0
# The native kernels: one source for every CPU level, each file with its level's instructions. They share no inline
# function with the rest, so that the linker cannot pick one with another level's flags: hence no precompiled header.
set(WEIGHBRIDGE_NATIVE "${PROJECT_SOURCE_DIR}/lib/backend/native")
set(WEIGHBRIDGE_AVX2 -mavx2 -mfma)
set(WEIGHBRIDGE_AVX512 ${WEIGHBRIDGE_AVX2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-uninitialized>")  # in gcc 12's own header (gcc bug 105593)
# 64-byte vectors of the compiler: no call between files passes one; without -fgcse half the time to compile.
set(WEIGHBRIDGE_FLAGS_portable -Wno-psabi "$<$<CXX_COMPILER_ID:GNU>:-fno-gcse>")
set(WEIGHBRIDGE_FLAGS_avx2 ${WEIGHBRIDGE_AVX2})
set(WEIGHBRIDGE_FLAGS_avx512 ${WEIGHBRIDGE_AVX512})
set(WEIGHBRIDGE_FLAGS_avx512_vnni ${WEIGHBRIDGE_AVX512} -mavx512vnni)
set(WEIGHBRIDGE_FLAGS_avx512_bf16 ${WEIGHBRIDGE_AVX512} -mavx512vnni -mavx512bf16)
set(WEIGHBRIDGE_FLAGS_amx ${WEIGHBRIDGE_FLAGS_avx512_bf16} -mamx-tile -mamx-int8 -mamx-bf16)
foreach(level portable avx2 avx512 avx512_vnni avx512_bf16 amx)
    set(flags ${WEIGHBRIDGE_FLAGS_${level}})
    if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        set(flags "")
    endif()
    if(WEIGHBRIDGE_SANITIZE MATCHES "undefined" AND NOT level MATCHES "^(portable|avx2)$")
        list(APPEND flags -fno-sanitize=undefined)  # the same source as avx2's, and half the time to compile
    endif()
    set_source_files_properties("${WEIGHBRIDGE_NATIVE}/kernels_${level}.cpp" PROPERTIES
        COMPILE_OPTIONS "${flags}" SKIP_PRECOMPILE_HEADERS ON)
endforeach()

# The AVX-512 sources once more through SIMDe (Debian: libsimde-dev), for the tests on machines without AVX-512. Not
# beside sanitizers: each file compiles for ten minutes with them, and is not checked without. Not optimised: a third of
# the time to compile, and seven seconds more to run.
if(WEIGHBRIDGE_BUILD_TESTS AND NOT WEIGHBRIDGE_SANITIZE AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    find_path(WEIGHBRIDGE_SIMDE simde/x86/avx512.h)
    if(WEIGHBRIDGE_SIMDE)
        file(GLOB simde_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/unit/backend/native_kernels_simde_*.cpp")
        add_library(native_kernels_simde STATIC ${simde_sources})
        target_include_directories(native_kernels_simde PRIVATE
            "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/tests" "${WEIGHBRIDGE_SIMDE}")
        target_compile_options(native_kernels_simde PRIVATE -mavx2 -mfma -ffp-contract=off -O0 -w -Wno-psabi)
        target_compile_definitions(native_kernels_simde INTERFACE WB_HAVE_SIMDE=1)
        cmake_language(DEFER CALL target_link_libraries unit_tests PRIVATE native_kernels_simde weighbridge_core)
    else()
        message(STATUS "AVX-512 kernels are not tested where the CPU lacks it: SIMDe (libsimde-dev) is missing")
    endif()
endif()

# A plain command for whoever changes a kernel: tests/bench/kernels_bench.cpp.
if(WEIGHBRIDGE_BUILD_TESTS AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_executable(kernels_bench EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/bench/kernels_bench.cpp")
    target_link_libraries(kernels_bench PRIVATE weighbridge_core weighbridge_flags)
endif()
