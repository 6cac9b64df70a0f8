# SPDX-License-Identifier: Apache-2.0
# weighbridge_jni: the C side of the Java binding on JDK 17 to 21, built when asked for, into <build>/java beside a copy
# of the library: the folder that capi/java packs as natives. Needs a JDK's jni.h alone. java_stubs: libraries that the
# binding has to refuse, for its tests.
find_path(WEIGHBRIDGE_JNI_H jni.h
    PATHS ENV JAVA_HOME /usr/lib/jvm/default-java /usr/lib/jvm/java-17-openjdk-amd64 PATH_SUFFIXES include)
if(NOT WEIGHBRIDGE_JNI_H)
    message(STATUS "Java: no jni.h (Debian and Ubuntu: default-jdk-headless), so no target weighbridge_jni")
    return()
endif()
set(WEIGHBRIDGE_JAVA "${PROJECT_BINARY_DIR}/java")
add_library(weighbridge_jni MODULE EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/capi/java/jni/weighbridge_jni.c")
target_include_directories(weighbridge_jni PRIVATE
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/capi/java/jni")
target_include_directories(weighbridge_jni SYSTEM PRIVATE "${WEIGHBRIDGE_JNI_H}" "${WEIGHBRIDGE_JNI_H}/linux")
target_link_libraries(weighbridge_jni PRIVATE weighbridge_flags ${CMAKE_DL_LIBS})
target_link_options(weighbridge_jni PRIVATE "LINKER:-z,now" "LINKER:--no-undefined")
set_target_properties(weighbridge_jni PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${WEIGHBRIDGE_JAVA}/natives")
add_custom_command(TARGET weighbridge_jni POST_BUILD
    COMMAND ${CMAKE_STRIP} -o "${WEIGHBRIDGE_JAVA}/natives/libweighbridge.so.1" "$<TARGET_FILE:weighbridge>"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${WEIGHBRIDGE_JAVA}/natives/weighbridge"
    COMMAND ${CMAKE_STRIP} -o "${WEIGHBRIDGE_JAVA}/natives/weighbridge/libweighbridge_verify.so"
            "$<TARGET_FILE:weighbridge_verify>"
    COMMENT "Copying the library for the natives jar" VERBATIM)
add_dependencies(weighbridge_jni weighbridge)

foreach(stub older major lacking foreign)
    string(TOUPPER ${stub} define)
    add_library(java_stub_${stub} MODULE EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/capi/java/jni/stubs.c")
    target_compile_definitions(java_stub_${stub} PRIVATE WB_${define})
    target_link_libraries(java_stub_${stub} PRIVATE weighbridge_flags)
    target_compile_options(java_stub_${stub} PRIVATE -fvisibility=default)
    set_target_properties(java_stub_${stub} PROPERTIES
        OUTPUT_NAME ${stub} LIBRARY_OUTPUT_DIRECTORY "${WEIGHBRIDGE_JAVA}/stubs")
    list(APPEND java_stubs java_stub_${stub})
endforeach()
add_custom_target(java_stubs DEPENDS ${java_stubs})

# java_bench: the C loops beside which capi/java/bench times Java. Finds the library as the process has it.
add_library(java_bench MODULE EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/capi/java/bench/c_call.c")
target_include_directories(java_bench SYSTEM PRIVATE "${WEIGHBRIDGE_JNI_H}" "${WEIGHBRIDGE_JNI_H}/linux")
target_link_libraries(java_bench PRIVATE weighbridge weighbridge_flags)
set_target_properties(java_bench PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${WEIGHBRIDGE_JAVA}/bench" BUILD_RPATH "")
