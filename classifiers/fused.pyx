# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The loops of a reading that touch every character, compiled: forms of a text, words in it, the model's sums.

Nothing is decided here. `Form` writes a text in another form, `Grams` finds words of one to four characters in a text,
`Rows` adds up what a model knows of the words it finds. All hold the interpreter's lock while
they work (some microseconds), so one of each can be shared between threads.
"""

from cpython.unicode cimport PyUnicode_FromKindAndData, PyUnicode_KIND, PyUnicode_DATA, PyUnicode_READ
from libc.math cimport exp, log, sqrt
from libc.stdint cimport int32_t, uint16_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

import numpy as np

from classifiers.weights import ABSENT

cdef enum:
    PLANE = 0x10000
    CHARACTERS = 0x110000
    NOTHING = 0xFFFFFFFF
    UNASKED = 0xFFFFFFFE
    LONGEST = 4
    MOST = 16
    SAID = 7


cdef class Form:
    """Each character of the basic plane becomes another one, or nothing. Other planes stay as they are.

    What a character becomes is asked once, when it is first met: all of them would take half a second at each start.
    """

    cdef unsigned int to[PLANE]
    cdef object become

    def __init__(self, become):
        """`become` answers, for a character's code, the character in this form, or None to drop it."""
        cdef Py_ssize_t code
        self.become = become
        for code in range(PLANE):
            self.to[code] = UNASKED

    cdef unsigned int ask(self, unsigned int code) except UNASKED:
        char = self.become(code)
        self.to[code] = NOTHING if char is None else ord(char)
        return self.to[code]

    def __call__(self, str text not None):
        """The text in this form."""
        cdef Py_ssize_t length = len(text), at, n = 0
        cdef int kind = PyUnicode_KIND(text)
        cdef void* data = PyUnicode_DATA(text)
        cdef unsigned int code
        cdef unsigned int* out = <unsigned int*> malloc((length + 1) * sizeof(unsigned int))
        if out == NULL:
            raise MemoryError
        try:
            for at in range(length):
                code = PyUnicode_READ(kind, data, at)
                if code < PLANE:
                    code = self.to[code] if self.to[code] != UNASKED else self.ask(code)
                out[n] = code
                n += code != NOTHING
            return PyUnicode_FromKindAndData(4, out, n)
        finally:
            free(out)


cdef extern from *:
    """
    #if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
    #define WIDE_WHERE_POSSIBLE __attribute__((target_clones("avx2", "default")))
    #else
    #define WIDE_WHERE_POSSIBLE
    #endif
    /* Sums are double throughout; `name` says what the rows are kept in. */
    #define OF_ROWS(name, kept) \
    WIDE_WHERE_POSSIBLE \
    static void add_##name(double *restrict total, const kept *restrict row, Py_ssize_t width) { \
        for (Py_ssize_t column = 0; column < width; column++) total[column] += (double) row[column]; \
    } \
    WIDE_WHERE_POSSIBLE \
    static double along_##name(const kept *restrict row, const double *restrict direction, Py_ssize_t width) { \
        double part[4] = {0.0, 0.0, 0.0, 0.0}, total = 0.0; \
        Py_ssize_t column = 0; \
        for (; column + 4 <= width; column += 4) \
            for (int lane = 0; lane < 4; lane++) part[lane] += (double) row[column + lane] * direction[column + lane]; \
        for (; column < width; column++) total += (double) row[column] * direction[column]; \
        return total + (part[0] + part[1]) + (part[2] + part[3]); \
    }
    OF_ROWS(single, float)
    OF_ROWS(exact, double)
    /* Four rows at a time: the sums are fetched and put back once, not four times. */
    WIDE_WHERE_POSSIBLE
    static void add_four(double *restrict total, const float **rows, Py_ssize_t width) {
        const float *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2], *restrict d = rows[3];
        for (Py_ssize_t column = 0; column < width; column++)
            total[column] += ((double) a[column] + (double) b[column]) + ((double) c[column] + (double) d[column]);
    }
    static inline void soon(const void *row, Py_ssize_t bytes) {
    #ifdef __GNUC__
        for (Py_ssize_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *) row + at);
    #endif
    }
    """
    void add_single(double* total, const float* row, Py_ssize_t width) nogil
    void add_exact(double* total, const double* row, Py_ssize_t width) nogil
    void add_four(double* total, const float** rows, Py_ssize_t width) nogil
    double along_single(const float* row, const double* direction, Py_ssize_t width) nogil
    double along_exact(const double* row, const double* direction, Py_ssize_t width) nogil
    void soon(const void* row, Py_ssize_t bytes) nogil


cdef struct Slot:
    uint64_t key
    int32_t number
    int32_t goes_on


cdef class Grams:
    """Words of one to four characters → their numbers (0, 1, …). Longer words are never found."""

    cdef uint16_t* letters
    cdef Slot* slots
    cdef uint64_t mask

    def __cinit__(self, words):
        cdef uint64_t size = 16
        while size < 2 * <uint64_t> sum(min(len(word), 3) for word in words):
            size *= 2
        self.mask = size - 1
        self.letters = <uint16_t*> calloc(CHARACTERS, sizeof(uint16_t))
        self.slots = <Slot*> calloc(size, sizeof(Slot))
        if self.letters == NULL or self.slots == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.letters)
        free(self.slots)

    def __init__(self, words):
        """Raises `ValueError` when the words are written with more than 65,535 characters."""
        cdef int32_t number
        cdef Slot* slot
        letters = {}
        for number, word in enumerate(words):
            if not 0 < len(word) <= LONGEST:
                continue
            key = 0
            for size, char in enumerate(word, 1):
                key = key << 16 | letters.setdefault(char, len(letters) + 1)
                slot = self.slot(key)
                if slot.key == 0:
                    slot.key, slot.number = key, -1
                if size == len(word):
                    slot.number = number
                else:
                    slot.goes_on = 1
        if len(letters) >= PLANE:
            raise ValueError("words of more than 65,535 different characters")
        for char, letter in letters.items():
            self.letters[<unsigned int> ord(char)] = letter

    cdef inline Slot* slot(self, uint64_t key) noexcept nogil:
        """Where a key is, or the free place (key 0) where it would be."""
        cdef uint64_t at = spread(key) & self.mask
        while self.slots[at].key != 0 and self.slots[at].key != key:
            at = (at + 1) & self.mask
        return &self.slots[at]

    cdef inline void await_slots(self, int kind, void* data, Py_ssize_t length) noexcept:
        """Every place that a text's words can be at will be read soon."""
        cdef Py_ssize_t at, end
        cdef uint64_t key, letter
        for at in range(length):
            key = 0
            for end in range(at, min(at + LONGEST, length)):
                letter = self.letters[PyUnicode_READ(kind, data, end)]
                if letter == 0:
                    break
                key = key << 16 | letter
                soon(&self.slots[spread(key) & self.mask], sizeof(Slot))

    cdef inline int32_t pair(self, uint64_t before, uint64_t letter) noexcept nogil:
        cdef Slot* slot
        if before == 0 or letter == 0:
            return -1
        slot = self.slot(before << 16 | letter)
        return slot.number if slot.key else -1

    def find(self, str text not None, int shortest):
        """(start, number) of every word of at least so many characters in a text, in the order of their starts."""
        cdef Py_ssize_t length = len(text), at, size
        cdef int kind = PyUnicode_KIND(text)
        cdef void* data = PyUnicode_DATA(text)
        cdef uint64_t key, letter
        cdef Slot* slot
        cdef list found = []
        for at in range(length):
            key = 0
            for size in range(1, min(<Py_ssize_t> LONGEST, length - at) + 1):
                letter = self.letters[PyUnicode_READ(kind, data, at + size - 1)]
                if letter == 0:
                    break
                key = key << 16 | letter
                slot = self.slot(key)
                if slot.key == 0:
                    break
                if size >= shortest and slot.number >= 0:
                    found.append((at, slot.number))
                if not slot.goes_on:
                    break
        return found

    def known_pairs(self, str text not None):
        """How many of a text's pairs of neighbours are among the words."""
        cdef Py_ssize_t at
        cdef int kind = PyUnicode_KIND(text)
        cdef void* data = PyUnicode_DATA(text)
        cdef uint64_t before = 0, letter
        cdef int count = 0
        for at in range(len(text)):
            letter = self.letters[PyUnicode_READ(kind, data, at)]
            count += self.pair(before, letter) >= 0
            before = letter
        return count


cdef inline uint64_t spread(uint64_t key) noexcept nogil:
    """The bits of a key, mixed: neighbouring keys come to lie far apart."""
    key *= <uint64_t> 0x9E3779B97F4A7C15
    return key ^ (key >> 32)


cdef inline double log_odds(double probability) noexcept nogil:
    """Held within 13.8 on either side."""
    cdef double held = min(max(probability, 1e-6), 1.0 - 1e-6)
    return log(held / (1.0 - held))


cdef inline double logistic(double odds) noexcept nogil:
    """Log-odds as a probability, without overflow."""
    cdef double power = exp(max(-abs(odds), -700.0))
    return power / (1.0 + power) if odds < 0.0 else 1.0 / (1.0 + power)


cdef inline int keep(
    double* values, Py_ssize_t* places, int kept, int number, double value, Py_ssize_t place
) noexcept nogil:
    """Takes a value among the `number` greatest, the greatest first, of equals the first; answers how many are kept."""
    cdef Py_ssize_t at
    if kept == number and value <= values[kept - 1]:
        return kept
    kept = min(kept + 1, number)
    at = kept - 1
    while at > 0 and values[at - 1] < value:
        values[at], places[at] = values[at - 1], places[at - 1]
        at -= 1
    values[at], places[at] = value, place
    return kept


cdef class Rows:
    """A model's rows, as weights.py describes them, and the matters of the city's categories."""

    cdef Grams grams
    cdef const float[:, ::1] deep
    cdef const double[:, ::1] wide, matters
    cdef const int32_t[::1] topics
    cdef const double[::1] topic_bias, bias, police_line, danger_line
    cdef const unsigned char[::1] ours
    cdef Py_ssize_t known, spoken, beside, width, columns
    cdef double loud, temperature, absent
    cdef dict raised
    cdef list above
    cdef unsigned char* seen
    cdef unsigned char* raises

    def __cinit__(self, Grams grams, weights, *rest):
        self.seen = <unsigned char*> calloc(len(weights.wide) + 1, 1)
        self.raises = <unsigned char*> calloc(len(weights.wide) + 1, 1)
        if self.seen == NULL or self.raises == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.seen)
        free(self.raises)

    def __init__(self, Grams grams, weights, matters, ours, raised):
        """`matters` has a 1 for each category's matter, `ours` for each group of the police; `raised` gives the rows
        that a word's row raises too."""
        cdef int32_t row
        self.grams, self.bias, self.matters, self.raised = grams, weights.bias, matters, raised
        self.deep, self.wide = weights.deep, weights.wide
        self.police_line, self.danger_line = np.array(weights.police_line), np.array(weights.danger_line)
        self.ours = np.ascontiguousarray(ours, dtype=np.uint8)
        if len(self.police_line) != len(self.danger_line) or len(self.police_line) != 1 + SAID + SAID * (SAID + 1) // 2:
            raise ValueError("lines of another kind of evidence")
        if not weights.deep.shape[1] == len(weights.topics) == len(weights.topic_bias):
            raise ValueError("rows of other topics")
        self.topics, self.topic_bias, self.columns = weights.topics, weights.topic_bias, 2 * len(weights.categories)
        self.known, self.spoken, self.beside = self.deep.shape[0], self.deep.shape[1], self.wide.shape[1]
        self.width = self.spoken + self.beside
        self.absent = ABSENT
        self.loud, self.temperature, self.above = weights.loud, weights.temperature, list(weights.above)
        for row in raised:
            self.raises[row] = 1

    cdef inline void fetch(self, int32_t row) noexcept:
        """A row will be read soon."""
        soon(&self.wide[row, 0], self.beside * sizeof(double))
        if row < self.known:
            soon(&self.deep[row, 0], self.spoken * sizeof(float))

    cdef list features(self, str folded):
        """Rows of a text's features, each once."""
        cdef Py_ssize_t length = len(folded), at, size
        cdef int kind = PyUnicode_KIND(folded)
        cdef void* data = PyUnicode_DATA(folded)
        cdef uint64_t key, letter
        cdef int32_t row, other
        cdef Slot* slot
        cdef list found = []
        self.grams.await_slots(kind, data, length)
        for at in range(length):
            key = 0
            for size in range(1, min(<Py_ssize_t> LONGEST, length - at) + 1):
                letter = self.grams.letters[PyUnicode_READ(kind, data, at + size - 1)]
                if letter == 0:
                    break
                key = key << 16 | letter
                slot = self.grams.slot(key)
                if slot.key == 0:
                    break
                row = slot.number
                if row >= 0 and not self.seen[row]:
                    self.seen[row] = 1
                    self.fetch(row)
                    found.append(row)
                    if self.raises[row]:
                        for other in self.raised[row]:
                            if not self.seen[other]:
                                self.seen[other] = 1
                                found.append(other)
                if not slot.goes_on:
                    break
        for row in found:
            self.seen[row] = 0
        return found

    cdef Py_ssize_t sums(self, str folded, double* total):
        """Adds up the rows of a text's features over their norm; answers how many features it has."""
        cdef list found = self.features(folded)
        cdef Py_ssize_t column, at
        cdef int32_t row
        cdef double norm
        cdef const float* four[4]
        cdef int waiting = 0
        memset(total, 0, self.width * sizeof(double))
        for row in found:
            add_exact(total + self.spoken, &self.wide[row, 0], self.beside)
            if row < self.known:
                four[waiting] = &self.deep[row, 0]
                waiting += 1
                if waiting == 4:
                    add_four(total, four, self.spoken)
                    waiting = 0
        for at in range(waiting):
            add_single(total, four[at], self.spoken)
        norm = sqrt(total[self.width - 1])
        if norm > 0.0:
            for column in range(self.width - 1):
                total[column] /= norm
        return len(found)

    def margins(self, str folded not None):
        """(logits of all columns, then the margins of groups, police and danger; features known); see scorer.py."""
        cdef double[::1] sums = np.empty(self.width), out = np.full(self.columns + self.bias.shape[0], self.absent)
        cdef Py_ssize_t seen = self.sums(folded, &sums[0]), at
        for at in range(self.spoken):
            out[self.topics[at]] = sums[at] + self.topic_bias[at]
        for at in range(self.bias.shape[0]):
            out[self.columns + at] = sums[self.spoken + at] + self.bias[at]
        return out.base, seen

    def shares(self, double[::1] margins not None):
        """(probabilities of the categories, of the three matters by their categories, of police, of endangered ones).

        Police counts every endangered category.
        """
        cdef Py_ssize_t column, half = self.columns // 2
        cdef double most = -1e300, total = 0.0, threat = 0.0, police = 0.0, one
        cdef double by_matter[3]
        cdef double* logits = &margins[0]
        cdef double[::1] out = np.empty(half)
        cdef int group
        for column, group in enumerate(self.above):
            logits[column] = self.temperature * (logits[column] + self.loud * logits[self.columns + group])
            logits[half + column] = self.temperature * (logits[half + column] + self.loud * logits[self.columns + group])
            most = max(most, logits[column], logits[half + column])
        for column in range(self.columns):
            logits[column] = exp(logits[column] - most)
            total += logits[column]
        by_matter[:] = [0.0, 0.0, 0.0]
        for column in range(half):
            threat += logits[half + column]
            police += self.matters[column, 0] * logits[column]
            one = out[column] = (logits[column] + logits[half + column]) / total
            by_matter[0] += self.matters[column, 0] * one
            by_matter[1] += self.matters[column, 1] * one
            by_matter[2] += self.matters[column, 2] * one
        return out.base, (by_matter[0], by_matter[1], by_matter[2]), (police + threat) / total, threat / total

    def judged(self, const double[::1] margins not None, double police, double threat, bint phrased):
        """(probability of police work, of danger): the two lines over calibration.evidence, made of one text."""
        cdef double said[SAID]
        cdef double loudest[2]
        cdef double our = self.police_line[0], danger = self.danger_line[0], both
        cdef Py_ssize_t end = margins.shape[0], groups = self.ours.shape[0], at, other, term = 1 + SAID
        cdef bint side
        loudest[0] = loudest[1] = self.absent
        for at in range(groups):
            side = self.ours[at]
            loudest[side] = max(loudest[side], margins[end - 2 - groups + at])
        said[:] = [margins[end - 2], margins[end - 1], log_odds(police), log_odds(threat), phrased, loudest[1], loudest[0]]
        for at in range(SAID):
            our += self.police_line[1 + at] * said[at]
            danger += self.danger_line[1 + at] * said[at]
            for other in range(at, SAID):
                both = said[at] * said[other]
                our += self.police_line[term] * both
                danger += self.danger_line[term] * both
                term += 1
        return logistic(our), logistic(danger)

    def direction(self, Py_ssize_t category):
        """What each column of a row is worth for the topics of a category beside all topics; -1: for danger.

        What is added to all topics alike changes no probability, hence counts for nothing.
        """
        cdef Py_ssize_t at, half = self.columns // 2
        cdef int own = 0
        cdef double[::1] out = np.zeros(self.width)
        if category < 0:
            out[self.width - 2] = 1.0
            return out.base
        for at in range(self.spoken):
            own += self.topics[at] % half == category
        for at in range(self.spoken):
            out[at] = (self.topics[at] % half == category) - <double> own / self.spoken
        out[self.spoken + <Py_ssize_t> self.above[category]] = own * self.loud
        return out.base

    def strongest(self, str text not None, const double[::1] direction not None, int number):
        """Where the pairs of neighbours stand that add most along a direction, in the order of the text.

        At most `number` (and 16); of equals the first; pairs that add nothing, or that the model does not know, never.
        """
        cdef Py_ssize_t at, place
        cdef int kind = PyUnicode_KIND(text), kept = 0
        cdef void* data = PyUnicode_DATA(text)
        cdef uint64_t before = 0, letter
        cdef int32_t row
        cdef double total
        cdef double values[MOST]
        cdef Py_ssize_t places[MOST]
        number = min(number, MOST)
        for at in range(len(text)):
            letter = self.grams.letters[PyUnicode_READ(kind, data, at)]
            row = self.grams.pair(before, letter)
            before = letter
            if row < 0 or at == 0:
                continue
            total = along_exact(&self.wide[row, 0], &direction[self.spoken], self.beside)
            if row < self.known:
                total += along_single(&self.deep[row, 0], &direction[0], self.spoken)
            if total > 0.0:
                kept = keep(values, places, kept, number, total, at - 1)
        return sorted([places[place] for place in range(kept)])


def leaders(const double[::1] values not None, int number):
    """(place, value) of the greatest values, the greatest first, of equals the first; at most `number` (and 16)."""
    cdef double best[MOST]
    cdef Py_ssize_t places[MOST]
    cdef Py_ssize_t at, place
    cdef int kept = 0
    number = min(number, MOST)
    for at in range(values.shape[0]):
        kept = keep(best, places, kept, number, values[at], at)
    return [(places[place], best[place]) for place in range(kept)]
