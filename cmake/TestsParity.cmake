# SPDX-License-Identifier: Apache-2.0
# Programs that the tests in Python run: they give what the library makes of a file.
foreach(name wordpiece_ids zone_offsets)
    wb_test_program(${name} SOURCES "${WEIGHBRIDGE_TESTS}/support/${name}.cpp" LIBRARIES weighbridge_core)
endforeach()
wb_test_program(score_c SOURCES "${WEIGHBRIDGE_TESTS}/support/score_c.c" LIBRARIES weighbridge)
wb_test_program(score_cpp SOURCES "${WEIGHBRIDGE_TESTS}/support/score_cpp.cpp" LIBRARIES weighbridge)
