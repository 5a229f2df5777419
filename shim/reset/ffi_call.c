/* See ffi_call.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/reset/ffi_call.h"

#include <ffi.h>
#include <string.h>

union value {
    int integer;
    long number;
    double real;
    const void *pointer;
};

static ffi_type *fill(union value *value, const struct fp_argument *argument, char *string)
{
    switch (argument->type) {
    case FP_TYPE_INT:
        value->integer = (int)argument->number;
        return &ffi_type_sint;
    case FP_TYPE_LONG:
        value->number = (long)argument->number;
        return &ffi_type_slong;
    case FP_TYPE_DOUBLE:
        value->real = argument->real;
        return &ffi_type_double;
    case FP_TYPE_STRING:
        memcpy(string, argument->string.text, argument->string.length);
        string[argument->string.length] = '\0';
        value->pointer = string;
        break;
    case FP_TYPE_POINTER:
        value->pointer = (const void *)(uintptr_t)argument->number;
        break;
    }
    return &ffi_type_pointer;
}

int fp_thunk_call(void *function, const struct fp_call *call)
{
    char strings[FP_ARGUMENTS_MAX][FP_STRING_MAX];
    union value values[FP_ARGUMENTS_MAX];
    ffi_type *types[FP_ARGUMENTS_MAX];
    void *pointers[FP_ARGUMENTS_MAX];
    ffi_arg returned = 0;
    ffi_cif interface;
    for (size_t i = 0; i < call->count; i++) {
        types[i] = fill(&values[i], &call->arguments[i], strings[i]);
        pointers[i] = &values[i];
    }
    if (ffi_prep_cif(&interface, FFI_DEFAULT_ABI, (unsigned)call->count, &ffi_type_sint, types) !=
        FFI_OK)
        return -1;
    ffi_call(&interface, FFI_FN(function), &returned, pointers);
    return (int)returned;
}
