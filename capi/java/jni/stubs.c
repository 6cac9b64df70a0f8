/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries that the Java binding has to refuse, by what is defined: WB_OLDER, WB_MAJOR, WB_LACKING, WB_FOREIGN. */
int not_weighbridge(void);
int not_weighbridge(void) { return 1; }

#if !defined(WB_FOREIGN)
#if defined(WB_OLDER)
#define VERSION "0.1.0"
#define MAJOR 1
#elif defined(WB_MAJOR)
#define VERSION "3.0.0"
#define MAJOR 2
#else
#define VERSION "0.2.0"
#define MAJOR 1
#endif
const char *wb_version(void);
int wb_abi_version(void);
const char *wb_version(void) { return VERSION; }
int wb_abi_version(void) { return MAJOR; }
#endif

#if defined(WB_OLDER) || defined(WB_MAJOR) || defined(WB_LACKING)
int wb_abi_minor(void);
int wb_abi_minor(void) {
#if defined(WB_OLDER)
    return 1;
#elif defined(WB_MAJOR)
    return 0;
#else
    return 2;
#endif
}
#endif
