/* SPDX-License-Identifier: Apache-2.0 */
/* The JNI side of the Java binding: each native method is one call of libweighbridge, which is opened by its path when
 * Java asks for it, with every symbol looked up at once. Holds no state but those addresses; converts nothing. */
#include <dlfcn.h>
#include <jni.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weighbridge.h>

#include "functions.inc"

static jbyteArray bytes_of(JNIEnv *env, const void *data, size_t size) {
    jbyteArray array = size > INT32_MAX ? NULL : (*env)->NewByteArray(env, (jsize)size);
    if (array) (*env)->SetByteArrayRegion(env, array, 0, (jsize)size, (const jbyte *)data);
    return array;
}

/* Opens the library and looks every function up. Gives NULL, or why it cannot be opened, as text. */
JNIEXPORT jbyteArray JNICALL Java_io_weighbridge_Jni_open(JNIEnv *env, jclass self, jbyteArray path) {
    char name[4096];
    jsize size = (*env)->GetArrayLength(env, path);
    void *library;
    size_t i;
    (void)self;
    if ((size_t)size >= sizeof name) return bytes_of(env, "the path is too long", 20);
    (*env)->GetByteArrayRegion(env, path, 0, size, (jbyte *)name);
    name[size] = 0;
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        return bytes_of(env, why ? why : "dlopen failed", why ? strlen(why) : 13);
    }
    for (i = 0; i < sizeof symbols / sizeof *symbols; ++i) {
        void *found = dlsym(library, symbols[i].name);
        memcpy((char *)&wb + symbols[i].offset, &found, sizeof found);
    }
    return NULL;
}

/* The functions that the library lacks, a line each; empty where it has all. */
JNIEXPORT jbyteArray JNICALL Java_io_weighbridge_Jni_missing(JNIEnv *env, jclass self) {
    char names[sizeof symbols / sizeof *symbols * 64];
    size_t used = 0, i;
    (void)self;
    for (i = 0; i < sizeof symbols / sizeof *symbols; ++i) {
        void *found;
        memcpy(&found, (char *)&wb + symbols[i].offset, sizeof found);
        if (!found) used += (size_t)snprintf(names + used, sizeof names - used, "%s\n", symbols[i].name);
    }
    return bytes_of(env, names, used);
}

/* The address of a direct buffer's first byte. */
JNIEXPORT jlong JNICALL Java_io_weighbridge_Jni_address(JNIEnv *env, jobject self, jobject buffer) {
    (void)self;
    return (jlong)(intptr_t)(*env)->GetDirectBufferAddress(env, buffer);
}

/* A copy of `size` bytes at `address`; up to the NUL where size is negative. */
JNIEXPORT jbyteArray JNICALL Java_io_weighbridge_Jni_bytes(JNIEnv *env, jobject self, jlong address, jlong size) {
    const char *data = (const char *)(intptr_t)address;
    (void)self;
    return bytes_of(env, data, size < 0 ? strlen(data) : (size_t)size);
}
