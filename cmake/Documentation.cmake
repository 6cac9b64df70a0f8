# SPDX-License-Identifier: Apache-2.0
# `doxygen` target: the public headers, warnings as errors.
find_program(DOXYGEN_PROGRAM doxygen)
if(DOXYGEN_PROGRAM)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/Doxyfile.in" "${PROJECT_BINARY_DIR}/Doxyfile" @ONLY)
    add_custom_target(doxygen
        COMMAND ${DOXYGEN_PROGRAM} "${PROJECT_BINARY_DIR}/Doxyfile"
        COMMENT "Documenting the public headers" VERBATIM)
endif()
