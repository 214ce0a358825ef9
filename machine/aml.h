/* aml.h - writes ACPI Machine Language. ACPI 6.4 chapter 20 (AML), 6.4 (resources).
 *
 * Terms are emitted in order; what has a package length is opened and closed. A buffer
 * that is too small sets `full` and the rest is dropped.
 */
#ifndef MACHINE_AML_H
#define MACHINE_AML_H

#include "base/types.h"

struct aml {
    uint8_t *bytes;
    size_t size, room;
    bool full;
};

void aml_byte(struct aml *a, uint8_t v);
void aml_bytes(struct aml *a, const void *p, size_t n);
void aml_path(struct aml *a, const char *path); /* "\\_SB.PCI0", "_HID", "LNKA" */
void aml_integer(struct aml *a, uint64_t v);
void aml_string(struct aml *a, const char *s);
void aml_eisaid(struct aml *a, const char *id); /* "PNP0A03" */

/* Name (path, ...): the object follows. */
void aml_name(struct aml *a, const char *path);
void aml_name_integer(struct aml *a, const char *path, uint64_t v);
void aml_name_eisaid(struct aml *a, const char *path, const char *id);

/* Each returns what aml_close() wants. */
size_t aml_scope(struct aml *a, const char *path);
size_t aml_device(struct aml *a, const char *name);
size_t aml_method(struct aml *a, const char *name, unsigned args, bool serialized);
size_t aml_package(struct aml *a, unsigned elements);
size_t aml_if(struct aml *a); /* the predicate, then the terms */
size_t aml_else(struct aml *a);
size_t aml_field(struct aml *a, const char *region); /* byte access, no lock, preserve */
void aml_field_unit(struct aml *a, const char *name, unsigned bits); /* below 64 */
void aml_close(struct aml *a, size_t opened);

enum aml_space { AML_MEMORY, AML_IO, AML_PCI_CONFIG };
void aml_region(struct aml *a, const char *name, enum aml_space space, uint32_t offset,
                uint32_t length);

/* Opcodes that are one byte followed by their operands. */
enum {
    AML_LOCAL0 = 0x60,
    AML_ARG0 = 0x68,
    AML_STORE = 0x70,
    AML_AND = 0x7b, /* a, b, target (AML_NOWHERE) */
    AML_OR = 0x7d,
    AML_CREATE_DWORD_FIELD = 0x8a,
    AML_LESS = 0x95,
    AML_RETURN = 0xa4,
    AML_NOWHERE = 0x00,
};

/* A resource template as a buffer: begin, resources, end. */
size_t aml_resources(struct aml *a);
void aml_resources_end(struct aml *a, size_t opened);
void aml_io(struct aml *a, uint16_t base, uint8_t length);
void aml_irq(struct aml *a, unsigned irq);       /* edge, exclusive */
void aml_dma(struct aml *a, unsigned channel);
void aml_memory(struct aml *a, uint32_t base, uint32_t length); /* fixed, writable */
void aml_interrupts(struct aml *a, const uint8_t *irqs, unsigned n); /* level, high, shared */
void aml_bus_range(struct aml *a, uint16_t first, uint16_t last);
void aml_io_range(struct aml *a, uint16_t first, uint16_t last);
void aml_memory_range(struct aml *a, uint32_t first, uint32_t last, bool cacheable);

#endif
