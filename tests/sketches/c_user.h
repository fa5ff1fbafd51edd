#ifndef HAWSER_TESTS_SKETCHES_C_USER_H_
#define HAWSER_TESTS_SKETCHES_C_USER_H_

/* A program in C on the C interface, for c_api_test. */

#ifdef __cplusplus
extern "C" {
#endif

/* Two nodes in one program in C: an append one way, with a hold, and its answer back.
 * NULL when all went well, else what did not. */
const char* RunCUser(void);

/* Creating a node with a cluster id that is not allowed; the error's text. */
const char* CreateBadNode(void);

#ifdef __cplusplus
}
#endif

#endif /* HAWSER_TESTS_SKETCHES_C_USER_H_ */
