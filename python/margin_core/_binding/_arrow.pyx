# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, freethreading_compatible=True
"""Arrow's C data interface in and out, with NumPy alone: no Arrow library is needed.

Numbers are not copied: an imported column keeps its batch alive, an exported one its array.
The structures are those of arrow.apache.org/docs/format/CDataInterface.html and
CStreamInterface.html. They hold raw pointers, so they come from this process only.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.errno cimport ENOMEM
from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

cdef extern from *:
    """
    #ifndef ARROW_C_DATA_INTERFACE
    #define ARROW_C_DATA_INTERFACE
    #define ARROW_FLAG_NULLABLE 2
    struct ArrowSchema {
        const char *format, *name, *metadata;
        int64_t flags, n_children;
        struct ArrowSchema **children, *dictionary;
        void (*release)(struct ArrowSchema *);
        void *private_data;
    };
    struct ArrowArray {
        int64_t length, null_count, offset, n_buffers, n_children;
        const void **buffers;
        struct ArrowArray **children, *dictionary;
        void (*release)(struct ArrowArray *);
        void *private_data;
    };
    #endif
    #ifndef ARROW_C_STREAM_INTERFACE
    #define ARROW_C_STREAM_INTERFACE
    struct ArrowArrayStream {
        int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
        int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
        const char *(*get_last_error)(struct ArrowArrayStream *);
        void (*release)(struct ArrowArrayStream *);
        void *private_data;
    };
    #endif
    """
    int64_t ARROW_FLAG_NULLABLE

    struct ArrowSchema:
        const char *format
        const char *name
        const char *metadata
        int64_t flags
        int64_t n_children
        ArrowSchema **children
        ArrowSchema *dictionary
        void (*release)(ArrowSchema *) noexcept nogil
        void *private_data

    struct ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        int64_t n_children
        const void **buffers
        ArrowArray **children
        ArrowArray *dictionary
        void (*release)(ArrowArray *) noexcept nogil
        void *private_data

    struct ArrowArrayStream:
        int (*get_schema)(ArrowArrayStream *, ArrowSchema *) noexcept nogil
        int (*get_next)(ArrowArrayStream *, ArrowArray *) noexcept nogil
        const char *(*get_last_error)(ArrowArrayStream *) noexcept nogil
        void (*release)(ArrowArrayStream *) noexcept nogil
        void *private_data


_DTYPES = {
    "c": "i1", "C": "u1", "s": "i2", "S": "u2", "i": "i4", "I": "u4", "l": "i8", "L": "u8",
    "e": "f2", "f": "f4", "g": "f8", "tdD": "i4", "tdm": "M8[ms]",
}
_FORMATS = {np.dtype(dtype): code for code, dtype in _DTYPES.items() if not code.startswith("t")}
_TIMES = {"tss": "M8[s]", "tsm": "M8[ms]", "tsu": "M8[us]", "tsn": "M8[ns]"}


# In: batches to columns

cdef class _Schema:
    cdef ArrowSchema c

    def __dealloc__(self):
        if self.c.release != NULL:
            self.c.release(&self.c)


cdef class _Batch:
    """Owns one Arrow array; released with the last column that looks into it."""

    cdef ArrowArray c

    def __dealloc__(self):
        if self.c.release != NULL:
            self.c.release(&self.c)


cdef class _Memory:
    """Read-only bytes inside a batch, for NumPy to look at."""

    cdef _Batch batch
    cdef const void *data
    cdef Py_ssize_t n_bytes

    def __getbuffer__(self, Py_buffer *view, int flags):
        if flags & 0x0001:  # PyBUF_WRITABLE
            raise BufferError("an Arrow batch is read-only")
        view.buf = <void *>self.data
        view.len = self.n_bytes
        view.itemsize = 1
        view.readonly = 1
        view.format = "B"
        view.ndim = 1
        view.shape = &self.n_bytes if flags & 0x0008 else NULL
        view.strides = &view.itemsize if flags & 0x0010 else NULL
        view.suboffsets = NULL
        view.internal = NULL
        view.obj = self


cdef object _look(_Batch batch, const void *data, int64_t offset, int64_t n, dtype):
    """`n` items from item `offset` of a buffer, not copied."""
    cdef _Memory memory
    if n == 0:
        return np.empty(0, dtype=dtype)
    if data == NULL:
        raise ValueError("an Arrow array has rows but no buffer")
    dtype = np.dtype(dtype)
    memory = _Memory.__new__(_Memory)
    memory.batch = batch
    memory.data = <const char *>data + offset * <int64_t>dtype.itemsize
    memory.n_bytes = n * dtype.itemsize
    if <uintptr_t>memory.data % <uintptr_t>dtype.alignment:
        return np.frombuffer(bytes(memory), dtype=dtype)
    return np.frombuffer(memory, dtype=dtype)


cdef object _bits(_Batch batch, const void *data, int64_t offset, int64_t n):
    packed = _look(batch, data, offset // 8, (offset % 8 + n + 7) // 8 if n else 0, "u1")
    return np.unpackbits(packed, bitorder="little")[offset % 8 : offset % 8 + n].view(np.bool_)


cdef object _nulls(_Batch batch, ArrowArray *array, int64_t start, int64_t n):
    """True where a row is null; None where no row is."""
    if array.null_count == 0 or array.n_buffers == 0 or array.buffers[0] == NULL or n == 0:
        return None
    null = ~_bits(batch, array.buffers[0], start, n)
    return null if null.any() else None


cdef _need_buffers(ArrowArray *array, int64_t n):
    if array.n_buffers < n or (n > 0 and array.buffers == NULL):
        raise ValueError(f"an Arrow array has {array.n_buffers} buffers, not {n}")


cdef object _text(_Batch batch, ArrowArray *array, str code, int64_t start, int64_t n, null):
    """Rows of utf8, large_utf8 or string_view as an object array of str, None where null."""
    cdef const int32_t *offsets = NULL
    cdef const int64_t *large = NULL
    cdef const char *data = NULL
    cdef const char *view
    cdef const int64_t *sizes = NULL
    cdef int64_t i, first, last, size, n_data = 0
    cdef const uint8_t[::1] skip
    cdef bint some_null = null is not None
    cdef bint is_view = code == "vu"
    out = np.empty(n, dtype=object)
    if n == 0:
        return out
    _need_buffers(array, 3)
    if array.buffers[1] == NULL:
        raise ValueError("an Arrow array has rows but no buffer")
    if code == "u":
        offsets = <const int32_t *>array.buffers[1]
    elif code == "U":
        large = <const int64_t *>array.buffers[1]
    else:
        n_data = array.n_buffers - 3
        sizes = <const int64_t *>array.buffers[array.n_buffers - 1]
    if some_null:
        skip = null.view(np.uint8)
    texts = [None] * n
    for i in range(n):
        if some_null and skip[i]:
            continue
        if is_view:
            view = <const char *>array.buffers[1] + 16 * (start + i)
            size = (<const int32_t *>view)[0]
            if 0 <= size <= 12:
                data, first = view + 4, 0
            else:
                last = (<const int32_t *>view)[2]
                first = (<const int32_t *>view)[3]
                if size < 0 or not 0 <= last < n_data or first < 0 or first + size > sizes[last]:
                    raise ValueError(f"row {i}: text reaches outside its buffer")
                data = <const char *>array.buffers[2 + last]
        else:
            first = offsets[start + i] if large == NULL else large[start + i]
            last = offsets[start + i + 1] if large == NULL else large[start + i + 1]
            size = last - first
            data = <const char *>array.buffers[2]
            if first < 0 or size < 0 or (size > 0 and data == NULL):
                raise ValueError(f"row {i}: text reaches outside its buffer")
        texts[i] = "" if size == 0 else PyUnicode_DecodeUTF8(data + first, size, "strict")
    out[:] = texts
    return out


cdef object _column(ArrowSchema *schema, ArrowArray *array, _Batch batch, int64_t start, int64_t n):
    """(values, null) of rows `start` to `start + n`; (reason, None) where the type is foreign."""
    code = schema.format.decode()
    start += array.offset
    if start < 0 or n < 0 or start + n > array.offset + array.length:
        raise ValueError("an Arrow array is shorter than its batch")
    if code == "n":
        return np.full(n, None, dtype=object), np.ones(n, dtype=np.bool_)
    null = _nulls(batch, array, start, n)
    if schema.dictionary != NULL:
        return _dictionary(schema, array, batch, start, n, null)
    if code == "b":
        _need_buffers(array, 2)
        return _bits(batch, array.buffers[1], start, n), null
    if code in ("u", "U", "vu"):
        return _text(batch, array, code, start, n, null), null
    dtype = _DTYPES.get(code) or _TIMES.get(code[:3] if code[3:4] == ":" else "")
    if dtype is None:
        return f"Arrow's type {code!r} is not supported", None
    _need_buffers(array, 2)
    values = _look(batch, array.buffers[1], start, n, dtype)
    return (values.astype("M8[D]") if code == "tdD" else values), null


cdef object _dictionary(
    ArrowSchema *schema, ArrowArray *array, _Batch batch, int64_t start, int64_t n, null
):
    dtype = _DTYPES.get(schema.format.decode(), "")
    if dtype[:1] not in ("i", "u") or array.dictionary == NULL:
        raise ValueError("an Arrow dictionary without whole-number indices")
    _need_buffers(array, 2)
    row = _look(batch, array.buffers[1], start, n, dtype)
    words, no_word = _column(schema.dictionary, array.dictionary, batch, 0, array.dictionary.length)
    if isinstance(words, str):
        return words, None
    if null is not None:
        row = np.where(null, 0, row)
    given = row if null is None else row[~null]
    if given.size and not (0 <= given.min() and given.max() < len(words)):
        raise ValueError("an Arrow dictionary index is out of range")
    if not len(words):
        return np.full(n, None, dtype=object), null
    values = words[row]
    if no_word is not None:
        null = no_word[row] if null is None else null | no_word[row]
    if null is not None and values.dtype == object:
        values[null] = None
    return values, null


def _join(parts):
    """Columns of several batches as one; one batch stays where it is."""
    for values, _ in parts:
        if isinstance(values, str):
            return values, None
    if len(parts) == 1:
        return parts[0]
    values = np.concatenate([values for values, _ in parts])
    if all(null is None for _, null in parts):
        return values, None
    return values, np.concatenate(
        [np.zeros(len(part), dtype=np.bool_) if null is None else null for part, null in parts])


cdef _raise_stream_error(ArrowArrayStream *stream, int code):
    cdef const char *message = stream.get_last_error(stream)
    why = f"error {code}" if message == NULL else message.decode("utf-8", "replace")
    raise OSError(f"the Arrow stream failed: {why}")


cdef _read(source, int64_t max_rows, _Schema schema):
    """All batches of a stream, which is released, and its schema."""
    cdef ArrowArrayStream *stream
    capsule = source.__arrow_c_stream__()
    stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
    if stream.release == NULL:
        raise ValueError("the Arrow stream has been read already")
    try:
        return _read_batches(stream, max_rows, schema)
    finally:
        stream.release(stream)


cdef _read_batches(ArrowArrayStream *stream, int64_t max_rows, _Schema schema):
    cdef _Batch batch
    cdef int code
    cdef int64_t n = 0
    with nogil:
        code = stream.get_schema(stream, &schema.c)
    if code != 0:
        _raise_stream_error(stream, code)
    batches = []
    while True:
        batch = _Batch.__new__(_Batch)
        with nogil:
            code = stream.get_next(stream, &batch.c)
        if code != 0:
            _raise_stream_error(stream, code)
        if batch.c.release == NULL:
            return batches
        if batch.c.length < 0 or batch.c.offset < 0:
            raise ValueError("an Arrow batch has a negative length")
        n += batch.c.length
        if n > max_rows:
            raise ValueError(f"more than {max_rows} rows")
        batches.append(batch)


def import_stream(source, max_rows=1 << 40):
    """Columns [(name, values, null or None)] and the number of rows of a stream of batches.

    Where a type has no NumPy form, values is a text that says so.
    """
    cdef _Schema schema = _Schema.__new__(_Schema)
    cdef _Batch batch
    cdef int64_t j
    batches = _read(source, max_rows, schema)
    if schema.c.format.decode() != "+s":
        raise ValueError("the Arrow stream holds one column, not a table")
    parts = [[] for _ in range(schema.c.n_children)]
    n = 0
    for batch in batches:
        if batch.c.n_children != schema.c.n_children:
            raise ValueError("an Arrow batch does not fit its schema")
        if batch.c.null_count > 0:
            raise ValueError("an Arrow batch has null rows")
        n += batch.c.length
        for j in range(batch.c.n_children):
            parts[j].append(_column(schema.c.children[j], batch.c.children[j], batch,
                                    batch.c.offset, batch.c.length))
    out = []
    for j in range(schema.c.n_children):
        name = b"" if schema.c.children[j].name == NULL else schema.c.children[j].name
        values, null = _join(parts[j]) if parts[j] else _empty(schema.c.children[j].format.decode())
        out.append((name.decode(), values, null))
    return out, n


def import_column(source, max_rows=1 << 40):
    """(values, null or None) of one column with `__arrow_c_stream__` or `__arrow_c_array__`."""
    cdef _Schema schema = _Schema.__new__(_Schema)
    cdef _Batch batch
    cdef ArrowSchema *given_schema
    cdef ArrowArray *given_array
    if hasattr(source, "__arrow_c_array__"):
        schema_capsule, array_capsule = source.__arrow_c_array__()
        given_schema = <ArrowSchema *>PyCapsule_GetPointer(schema_capsule, "arrow_schema")
        given_array = <ArrowArray *>PyCapsule_GetPointer(array_capsule, "arrow_array")
        batch = _Batch.__new__(_Batch)
        schema.c, batch.c = given_schema[0], given_array[0]  # moved: ours to release now
        given_schema.release = NULL
        given_array.release = NULL
        batches = [batch]
    else:
        batches = _read(source, max_rows, schema)
    if not batches:
        return _empty(schema.c.format.decode())
    return _join([_column(&schema.c, &(<_Batch>b).c, b, 0, (<_Batch>b).c.length) for b in batches])


def _empty(code):
    return np.empty(0, dtype=_DTYPES.get(code, "?" if code == "b" else object)), None


# Out: columns to a batch

cdef class _Export:
    """What an exported batch points at: names, formats and buffers, kept alive together."""

    cdef list names
    cdef list formats
    cdef list null_counts
    cdef list buffers    # per column: arrays or None
    cdef int64_t n

    def __init__(self, columns, n):
        self.names, self.formats, self.null_counts, self.buffers = [], [], [], []
        self.n = n
        for name, values in columns.items():
            code, null_count, buffers = _buffers(values)
            self.names.append(name.encode())
            self.formats.append(code.encode())
            self.null_counts.append(null_count)
            self.buffers.append(buffers)


def _buffers(values):
    """Arrow format, null count and buffers of a column."""
    if values.dtype == object:
        items = values.tolist()
        null = [item is None for item in items]
        texts = [b"" if item is None else item.encode() for item in items]
        data = np.frombuffer(b"".join(texts) or b"\0", dtype=np.uint8)
        ends = np.cumsum([0, *map(len, texts)])
        valid = np.packbits(~np.array(null, dtype=np.bool_), bitorder="little") if any(null) else None
        if ends[-1] > 0x7FFFFFFF:
            return "U", sum(null), [valid, ends.astype(np.int64), data]
        return "u", sum(null), [valid, ends.astype(np.int32), data]
    if values.dtype == np.bool_:
        return "b", 0, [None, np.packbits(values, bitorder="little")]
    return _FORMATS[values.dtype], 0, [None, np.ascontiguousarray(values)]


cdef void _release_schema(ArrowSchema *schema) noexcept with gil:
    cdef int64_t i
    for i in range(schema.n_children):
        if schema.children[i].release != NULL:
            schema.children[i].release(schema.children[i])
        free(schema.children[i])
    free(schema.children)
    Py_DECREF(<object>schema.private_data)
    schema.release = NULL


cdef void _release_array(ArrowArray *array) noexcept with gil:
    cdef int64_t i
    for i in range(array.n_children):
        if array.children[i].release != NULL:
            array.children[i].release(array.children[i])
        free(array.children[i])
    free(array.children)
    free(array.buffers)
    Py_DECREF(<object>array.private_data)
    array.release = NULL


cdef void *_allocate(size_t n, size_t size) except NULL:
    cdef void *memory = calloc(n if n else 1, size)
    if memory == NULL:
        raise MemoryError()
    return memory


cdef _start_schema(ArrowSchema *schema, _Export export, const char *format, const char *name):
    memset(schema, 0, sizeof(ArrowSchema))
    schema.format = format
    schema.name = name
    schema.private_data = <void *>export
    Py_INCREF(export)
    schema.release = _release_schema


cdef _fill_schema(ArrowSchema *schema, _Export export):
    cdef Py_ssize_t i
    _start_schema(schema, export, "+s", "")
    schema.children = <ArrowSchema **>_allocate(len(export.names), sizeof(ArrowSchema *))
    for i in range(len(export.names)):
        schema.children[i] = <ArrowSchema *>_allocate(1, sizeof(ArrowSchema))
        schema.n_children += 1
        _start_schema(schema.children[i], export, export.formats[i], export.names[i])
        schema.children[i].flags = ARROW_FLAG_NULLABLE


cdef _start_array(ArrowArray *array, _Export export, int64_t n_buffers):
    memset(array, 0, sizeof(ArrowArray))
    array.length = export.n
    array.private_data = <void *>export
    Py_INCREF(export)
    array.release = _release_array
    array.buffers = <const void **>_allocate(n_buffers, sizeof(void *))
    array.n_buffers = n_buffers


cdef _fill_array(ArrowArray *array, _Export export):
    cdef Py_ssize_t i, k
    cdef ArrowArray *child
    _start_array(array, export, 1)
    array.children = <ArrowArray **>_allocate(len(export.names), sizeof(ArrowArray *))
    for i in range(len(export.names)):
        child = array.children[i] = <ArrowArray *>_allocate(1, sizeof(ArrowArray))
        array.n_children += 1
        _start_array(child, export, len(export.buffers[i]))
        child.null_count = export.null_counts[i]
        for k, values in enumerate(export.buffers[i]):
            if values is not None:
                child.buffers[k] = <const void *><uintptr_t>values.ctypes.data


cdef struct _StreamState:
    PyObject *export
    bint done


cdef int _stream_schema(ArrowArrayStream *stream, ArrowSchema *out) noexcept with gil:
    cdef _StreamState *state = <_StreamState *>stream.private_data
    memset(out, 0, sizeof(ArrowSchema))
    try:
        _fill_schema(out, <_Export>state.export)
    except MemoryError:
        if out.release != NULL:
            out.release(out)
        return ENOMEM
    return 0


cdef int _stream_next(ArrowArrayStream *stream, ArrowArray *out) noexcept with gil:
    cdef _StreamState *state = <_StreamState *>stream.private_data
    memset(out, 0, sizeof(ArrowArray))
    if state.done:
        return 0
    try:
        _fill_array(out, <_Export>state.export)
    except MemoryError:
        if out.release != NULL:
            out.release(out)
        return ENOMEM
    state.done = True
    return 0


cdef const char *_stream_error(ArrowArrayStream *stream) noexcept nogil:
    return NULL


cdef void _release_stream(ArrowArrayStream *stream) noexcept with gil:
    cdef _StreamState *state = <_StreamState *>stream.private_data
    Py_DECREF(<object>state.export)
    free(state)
    stream.release = NULL


cdef void _drop_stream(capsule) noexcept:
    cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(
        capsule, "arrow_array_stream")
    if stream.release != NULL:
        stream.release(stream)
    free(stream)


cdef void _drop_schema(capsule) noexcept:
    cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(capsule, "arrow_schema")
    if schema.release != NULL:
        schema.release(schema)
    free(schema)


def export_stream(columns, n):
    """A capsule "arrow_array_stream" with one batch of these columns."""
    cdef _Export export = _Export(columns, n)
    cdef ArrowArrayStream *stream = <ArrowArrayStream *>_allocate(1, sizeof(ArrowArrayStream))
    capsule = PyCapsule_New(stream, "arrow_array_stream", <void (*)(object) noexcept>_drop_stream)
    cdef _StreamState *state = <_StreamState *>_allocate(1, sizeof(_StreamState))
    state.export = <PyObject *>export
    Py_INCREF(export)
    stream.get_schema = _stream_schema
    stream.get_next = _stream_next
    stream.get_last_error = _stream_error
    stream.private_data = state
    stream.release = _release_stream
    return capsule


def export_schema(columns):
    """A capsule "arrow_schema" of these columns."""
    cdef _Export export = _Export({name: values[:0] for name, values in columns.items()}, 0)
    cdef ArrowSchema *schema = <ArrowSchema *>_allocate(1, sizeof(ArrowSchema))
    capsule = PyCapsule_New(schema, "arrow_schema", <void (*)(object) noexcept>_drop_schema)
    _fill_schema(schema, export)
    return capsule
