/* AVX-512's packed integers: each operation against the manual's pseudo-code, with
 * every vector length, opmask, zeroing, broadcast, register, and a memory operand whose
 * end is not there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/cpu/evex_int_reference.h"
#include "tests/unit/cpu/simd_cpu.h"

enum { PP_NONE, PP_66, PP_F3 };
enum { WIG = 2 };
/* Which operand stands where: V ModRM.reg, H vvvv, W r/m; K an opmask; U no memory;
 * XMM: VHW with 128 bits of r/m; GROUP + n: vvvv is the destination, ModRM.reg is n. */
enum form { VHW, VW, XMM, KHW, VK, KU, GROUP };
enum { IMM = 1, NOMASK = 2, WHOLE = 4 /* faults are not suppressed */ };

static const struct operation {
    const char *name;
    uint8_t map, opcode, prefix, w;
    uint8_t bits;      /* of the destination's element, which the opmask counts */
    uint8_t broadcast; /* of the element that EVEX.b repeats; 0: none */
    uint8_t form, flags;
    reference_fn *reference;
} operations[] = {
    {"VPADDB", 1, 0xfc, PP_66, WIG, 8, 0, VHW, 0, ref_add},
    {"VPADDW", 1, 0xfd, PP_66, WIG, 16, 0, VHW, 0, ref_add},
    {"VPSUBB", 1, 0xf8, PP_66, WIG, 8, 0, VHW, 0, ref_sub},
    {"VPSUBW", 1, 0xf9, PP_66, WIG, 16, 0, VHW, 0, ref_sub},
    {"VPADDSB", 1, 0xec, PP_66, WIG, 8, 0, VHW, 0, ref_adds},
    {"VPADDSW", 1, 0xed, PP_66, WIG, 16, 0, VHW, 0, ref_adds},
    {"VPADDUSB", 1, 0xdc, PP_66, WIG, 8, 0, VHW, 0, ref_addus},
    {"VPADDUSW", 1, 0xdd, PP_66, WIG, 16, 0, VHW, 0, ref_addus},
    {"VPSUBSB", 1, 0xe8, PP_66, WIG, 8, 0, VHW, 0, ref_subs},
    {"VPSUBSW", 1, 0xe9, PP_66, WIG, 16, 0, VHW, 0, ref_subs},
    {"VPSUBUSB", 1, 0xd8, PP_66, WIG, 8, 0, VHW, 0, ref_subus},
    {"VPSUBUSW", 1, 0xd9, PP_66, WIG, 16, 0, VHW, 0, ref_subus},
    {"VPAVGB", 1, 0xe0, PP_66, WIG, 8, 0, VHW, 0, ref_avg},
    {"VPAVGW", 1, 0xe3, PP_66, WIG, 16, 0, VHW, 0, ref_avg},
    {"VPADDD", 1, 0xfe, PP_66, 0, 32, 32, VHW, 0, ref_add},
    {"VPADDQ", 1, 0xd4, PP_66, 1, 64, 64, VHW, 0, ref_add},
    {"VPSUBD", 1, 0xfa, PP_66, 0, 32, 32, VHW, 0, ref_sub},
    {"VPSUBQ", 1, 0xfb, PP_66, 1, 64, 64, VHW, 0, ref_sub},
    {"VPMINSB", 2, 0x38, PP_66, WIG, 8, 0, VHW, 0, ref_mins},
    {"VPMINSW", 1, 0xea, PP_66, WIG, 16, 0, VHW, 0, ref_mins},
    {"VPMINUB", 1, 0xda, PP_66, WIG, 8, 0, VHW, 0, ref_minu},
    {"VPMINUW", 2, 0x3a, PP_66, WIG, 16, 0, VHW, 0, ref_minu},
    {"VPMAXSB", 2, 0x3c, PP_66, WIG, 8, 0, VHW, 0, ref_maxs},
    {"VPMAXSW", 1, 0xee, PP_66, WIG, 16, 0, VHW, 0, ref_maxs},
    {"VPMAXUB", 1, 0xde, PP_66, WIG, 8, 0, VHW, 0, ref_maxu},
    {"VPMAXUW", 2, 0x3e, PP_66, WIG, 16, 0, VHW, 0, ref_maxu},
    {"VPMINSD", 2, 0x39, PP_66, 0, 32, 32, VHW, 0, ref_mins},
    {"VPMINSQ", 2, 0x39, PP_66, 1, 64, 64, VHW, 0, ref_mins},
    {"VPMINUD", 2, 0x3b, PP_66, 0, 32, 32, VHW, 0, ref_minu},
    {"VPMINUQ", 2, 0x3b, PP_66, 1, 64, 64, VHW, 0, ref_minu},
    {"VPMAXSD", 2, 0x3d, PP_66, 0, 32, 32, VHW, 0, ref_maxs},
    {"VPMAXSQ", 2, 0x3d, PP_66, 1, 64, 64, VHW, 0, ref_maxs},
    {"VPMAXUD", 2, 0x3f, PP_66, 0, 32, 32, VHW, 0, ref_maxu},
    {"VPMAXUQ", 2, 0x3f, PP_66, 1, 64, 64, VHW, 0, ref_maxu},
    {"VPABSB", 2, 0x1c, PP_66, WIG, 8, 0, VW, 0, ref_abs},
    {"VPABSW", 2, 0x1d, PP_66, WIG, 16, 0, VW, 0, ref_abs},
    {"VPABSD", 2, 0x1e, PP_66, 0, 32, 32, VW, 0, ref_abs},
    {"VPABSQ", 2, 0x1f, PP_66, 1, 64, 64, VW, 0, ref_abs},
    {"VPMULLW", 1, 0xd5, PP_66, WIG, 16, 0, VHW, 0, ref_mullo},
    {"VPMULLD", 2, 0x40, PP_66, 0, 32, 32, VHW, 0, ref_mullo},
    {"VPMULLQ", 2, 0x40, PP_66, 1, 64, 64, VHW, 0, ref_mullo},
    {"VPMULHW", 1, 0xe5, PP_66, WIG, 16, 0, VHW, 0, ref_mulhi},
    {"VPMULHUW", 1, 0xe4, PP_66, WIG, 16, 0, VHW, 0, ref_mulhiu},
    {"VPMULHRSW", 2, 0x0b, PP_66, WIG, 16, 0, VHW, 0, ref_mulhrs},
    {"VPMULUDQ", 1, 0xf4, PP_66, 1, 64, 64, VHW, 0, ref_muludq},
    {"VPMULDQ", 2, 0x28, PP_66, 1, 64, 64, VHW, 0, ref_muldq},
    {"VPMADDWD", 1, 0xf5, PP_66, WIG, 32, 0, VHW, WHOLE, ref_maddwd},
    {"VPMADDUBSW", 2, 0x04, PP_66, WIG, 16, 0, VHW, WHOLE, ref_maddubsw},
    {"VPSADBW", 1, 0xf6, PP_66, WIG, 64, 0, VHW, NOMASK, ref_sad},
    {"VDBPSADBW", 3, 0x42, PP_66, 0, 16, 0, VHW, IMM | WHOLE, ref_dbsad},
    {"VPMADD52LUQ", 2, 0xb4, PP_66, 1, 64, 64, VHW, 0, ref_madd52lo},
    {"VPMADD52HUQ", 2, 0xb5, PP_66, 1, 64, 64, VHW, 0, ref_madd52hi},
    {"VPDPBUSD", 2, 0x50, PP_66, 0, 32, 32, VHW, 0, ref_dpbusd},
    {"VPDPBUSDS", 2, 0x51, PP_66, 0, 32, 32, VHW, 0, ref_dpbusds},
    {"VPDPWSSD", 2, 0x52, PP_66, 0, 32, 32, VHW, 0, ref_dpwssd},
    {"VPDPWSSDS", 2, 0x53, PP_66, 0, 32, 32, VHW, 0, ref_dpwssds},
    {"VPUNPCKLBW", 1, 0x60, PP_66, WIG, 8, 0, VHW, WHOLE, ref_unpackl},
    {"VPUNPCKLWD", 1, 0x61, PP_66, WIG, 16, 0, VHW, WHOLE, ref_unpackl},
    {"VPUNPCKLDQ", 1, 0x62, PP_66, 0, 32, 32, VHW, WHOLE, ref_unpackl},
    {"VPUNPCKLQDQ", 1, 0x6c, PP_66, 1, 64, 64, VHW, WHOLE, ref_unpackl},
    {"VPUNPCKHBW", 1, 0x68, PP_66, WIG, 8, 0, VHW, WHOLE, ref_unpackh},
    {"VPUNPCKHWD", 1, 0x69, PP_66, WIG, 16, 0, VHW, WHOLE, ref_unpackh},
    {"VPUNPCKHDQ", 1, 0x6a, PP_66, 0, 32, 32, VHW, WHOLE, ref_unpackh},
    {"VPUNPCKHQDQ", 1, 0x6d, PP_66, 1, 64, 64, VHW, WHOLE, ref_unpackh},
    {"VPACKSSWB", 1, 0x63, PP_66, WIG, 8, 0, VHW, WHOLE, ref_packs},
    {"VPACKUSWB", 1, 0x67, PP_66, WIG, 8, 0, VHW, WHOLE, ref_packus},
    {"VPACKSSDW", 1, 0x6b, PP_66, 0, 16, 32, VHW, WHOLE, ref_packs},
    {"VPACKUSDW", 2, 0x2b, PP_66, 0, 16, 32, VHW, WHOLE, ref_packus},
    {"VPANDD", 1, 0xdb, PP_66, 0, 32, 32, VHW, 0, ref_and},
    {"VPANDQ", 1, 0xdb, PP_66, 1, 64, 64, VHW, 0, ref_and},
    {"VANDPS", 1, 0x54, PP_NONE, 0, 32, 32, VHW, 0, ref_and},
    {"VANDPD", 1, 0x54, PP_66, 1, 64, 64, VHW, 0, ref_and},
    {"VPANDND", 1, 0xdf, PP_66, 0, 32, 32, VHW, 0, ref_andn},
    {"VPANDNQ", 1, 0xdf, PP_66, 1, 64, 64, VHW, 0, ref_andn},
    {"VANDNPS", 1, 0x55, PP_NONE, 0, 32, 32, VHW, 0, ref_andn},
    {"VANDNPD", 1, 0x55, PP_66, 1, 64, 64, VHW, 0, ref_andn},
    {"VPORD", 1, 0xeb, PP_66, 0, 32, 32, VHW, 0, ref_or},
    {"VPORQ", 1, 0xeb, PP_66, 1, 64, 64, VHW, 0, ref_or},
    {"VORPS", 1, 0x56, PP_NONE, 0, 32, 32, VHW, 0, ref_or},
    {"VORPD", 1, 0x56, PP_66, 1, 64, 64, VHW, 0, ref_or},
    {"VPXORD", 1, 0xef, PP_66, 0, 32, 32, VHW, 0, ref_xor},
    {"VPXORQ", 1, 0xef, PP_66, 1, 64, 64, VHW, 0, ref_xor},
    {"VXORPS", 1, 0x57, PP_NONE, 0, 32, 32, VHW, 0, ref_xor},
    {"VXORPD", 1, 0x57, PP_66, 1, 64, 64, VHW, 0, ref_xor},
    {"VPTERNLOGD", 3, 0x25, PP_66, 0, 32, 32, VHW, IMM, ref_ternlog},
    {"VPTERNLOGQ", 3, 0x25, PP_66, 1, 64, 64, VHW, IMM, ref_ternlog},
    {"VPSRLW", 1, 0xd1, PP_66, WIG, 16, 0, XMM, WHOLE, ref_srl},
    {"VPSRLD", 1, 0xd2, PP_66, 0, 32, 0, XMM, WHOLE, ref_srl},
    {"VPSRLQ", 1, 0xd3, PP_66, 1, 64, 0, XMM, WHOLE, ref_srl},
    {"VPSRLW", 1, 0x71, PP_66, WIG, 16, 0, GROUP + 2, IMM, ref_srl_imm},
    {"VPSRLD", 1, 0x72, PP_66, 0, 32, 32, GROUP + 2, IMM, ref_srl_imm},
    {"VPSRLQ", 1, 0x73, PP_66, 1, 64, 64, GROUP + 2, IMM, ref_srl_imm},
    {"VPSRAW", 1, 0xe1, PP_66, WIG, 16, 0, XMM, WHOLE, ref_sra},
    {"VPSRAD", 1, 0xe2, PP_66, 0, 32, 0, XMM, WHOLE, ref_sra},
    {"VPSRAQ", 1, 0xe2, PP_66, 1, 64, 0, XMM, WHOLE, ref_sra},
    {"VPSRAW", 1, 0x71, PP_66, WIG, 16, 0, GROUP + 4, IMM, ref_sra_imm},
    {"VPSRAD", 1, 0x72, PP_66, 0, 32, 32, GROUP + 4, IMM, ref_sra_imm},
    {"VPSRAQ", 1, 0x72, PP_66, 1, 64, 64, GROUP + 4, IMM, ref_sra_imm},
    {"VPSLLW", 1, 0xf1, PP_66, WIG, 16, 0, XMM, WHOLE, ref_sll},
    {"VPSLLD", 1, 0xf2, PP_66, 0, 32, 0, XMM, WHOLE, ref_sll},
    {"VPSLLQ", 1, 0xf3, PP_66, 1, 64, 0, XMM, WHOLE, ref_sll},
    {"VPSLLW", 1, 0x71, PP_66, WIG, 16, 0, GROUP + 6, IMM, ref_sll_imm},
    {"VPSLLD", 1, 0x72, PP_66, 0, 32, 32, GROUP + 6, IMM, ref_sll_imm},
    {"VPSLLQ", 1, 0x73, PP_66, 1, 64, 64, GROUP + 6, IMM, ref_sll_imm},
    {"VPSRLDQ", 1, 0x73, PP_66, WIG, 8, 0, GROUP + 3, IMM | NOMASK, ref_srldq},
    {"VPSLLDQ", 1, 0x73, PP_66, WIG, 8, 0, GROUP + 7, IMM | NOMASK, ref_slldq},
    {"VPSRLVW", 2, 0x10, PP_66, 1, 16, 0, VHW, 0, ref_srlv},
    {"VPSRLVD", 2, 0x45, PP_66, 0, 32, 32, VHW, 0, ref_srlv},
    {"VPSRLVQ", 2, 0x45, PP_66, 1, 64, 64, VHW, 0, ref_srlv},
    {"VPSRAVW", 2, 0x11, PP_66, 1, 16, 0, VHW, 0, ref_srav},
    {"VPSRAVD", 2, 0x46, PP_66, 0, 32, 32, VHW, 0, ref_srav},
    {"VPSRAVQ", 2, 0x46, PP_66, 1, 64, 64, VHW, 0, ref_srav},
    {"VPSLLVW", 2, 0x12, PP_66, 1, 16, 0, VHW, 0, ref_sllv},
    {"VPSLLVD", 2, 0x47, PP_66, 0, 32, 32, VHW, 0, ref_sllv},
    {"VPSLLVQ", 2, 0x47, PP_66, 1, 64, 64, VHW, 0, ref_sllv},
    {"VPRORD", 1, 0x72, PP_66, 0, 32, 32, GROUP + 0, IMM, ref_ror_imm},
    {"VPRORQ", 1, 0x72, PP_66, 1, 64, 64, GROUP + 0, IMM, ref_ror_imm},
    {"VPRORVD", 2, 0x14, PP_66, 0, 32, 32, VHW, 0, ref_rorv},
    {"VPRORVQ", 2, 0x14, PP_66, 1, 64, 64, VHW, 0, ref_rorv},
    {"VPROLD", 1, 0x72, PP_66, 0, 32, 32, GROUP + 1, IMM, ref_rol_imm},
    {"VPROLQ", 1, 0x72, PP_66, 1, 64, 64, GROUP + 1, IMM, ref_rol_imm},
    {"VPROLVD", 2, 0x15, PP_66, 0, 32, 32, VHW, 0, ref_rolv},
    {"VPROLVQ", 2, 0x15, PP_66, 1, 64, 64, VHW, 0, ref_rolv},
    {"VPSHLDW", 3, 0x70, PP_66, 1, 16, 0, VHW, IMM, ref_shld},
    {"VPSHLDD", 3, 0x71, PP_66, 0, 32, 32, VHW, IMM, ref_shld},
    {"VPSHLDQ", 3, 0x71, PP_66, 1, 64, 64, VHW, IMM, ref_shld},
    {"VPSHLDVW", 2, 0x70, PP_66, 1, 16, 0, VHW, 0, ref_shldv},
    {"VPSHLDVD", 2, 0x71, PP_66, 0, 32, 32, VHW, 0, ref_shldv},
    {"VPSHLDVQ", 2, 0x71, PP_66, 1, 64, 64, VHW, 0, ref_shldv},
    {"VPSHRDW", 3, 0x72, PP_66, 1, 16, 0, VHW, IMM, ref_shrd},
    {"VPSHRDD", 3, 0x73, PP_66, 0, 32, 32, VHW, IMM, ref_shrd},
    {"VPSHRDQ", 3, 0x73, PP_66, 1, 64, 64, VHW, IMM, ref_shrd},
    {"VPSHRDVW", 2, 0x72, PP_66, 1, 16, 0, VHW, 0, ref_shrdv},
    {"VPSHRDVD", 2, 0x73, PP_66, 0, 32, 32, VHW, 0, ref_shrdv},
    {"VPSHRDVQ", 2, 0x73, PP_66, 1, 64, 64, VHW, 0, ref_shrdv},
    {"VPOPCNTB", 2, 0x54, PP_66, 0, 8, 0, VW, 0, ref_popcnt},
    {"VPOPCNTW", 2, 0x54, PP_66, 1, 16, 0, VW, 0, ref_popcnt},
    {"VPOPCNTD", 2, 0x55, PP_66, 0, 32, 32, VW, 0, ref_popcnt},
    {"VPOPCNTQ", 2, 0x55, PP_66, 1, 64, 64, VW, 0, ref_popcnt},
    {"VPLZCNTD", 2, 0x44, PP_66, 0, 32, 32, VW, 0, ref_lzcnt},
    {"VPLZCNTQ", 2, 0x44, PP_66, 1, 64, 64, VW, 0, ref_lzcnt},
    {"VPCONFLICTD", 2, 0xc4, PP_66, 0, 32, 32, VW, WHOLE, ref_conflict},
    {"VPCONFLICTQ", 2, 0xc4, PP_66, 1, 64, 64, VW, WHOLE, ref_conflict},
    {"VPMULTISHIFTQB", 2, 0x83, PP_66, 1, 8, 64, VHW, WHOLE, ref_multishift},
    {"VPSHUFBITQMB", 2, 0x8f, PP_66, 0, 8, 0, KHW, 0, ref_shufbit},
    {"VPCMPEQB", 1, 0x74, PP_66, WIG, 8, 0, KHW, 0, ref_cmpeq},
    {"VPCMPEQW", 1, 0x75, PP_66, WIG, 16, 0, KHW, 0, ref_cmpeq},
    {"VPCMPEQD", 1, 0x76, PP_66, 0, 32, 32, KHW, 0, ref_cmpeq},
    {"VPCMPEQQ", 2, 0x29, PP_66, 1, 64, 64, KHW, 0, ref_cmpeq},
    {"VPCMPGTB", 1, 0x64, PP_66, WIG, 8, 0, KHW, 0, ref_cmpgt},
    {"VPCMPGTW", 1, 0x65, PP_66, WIG, 16, 0, KHW, 0, ref_cmpgt},
    {"VPCMPGTD", 1, 0x66, PP_66, 0, 32, 32, KHW, 0, ref_cmpgt},
    {"VPCMPGTQ", 2, 0x37, PP_66, 1, 64, 64, KHW, 0, ref_cmpgt},
    {"VPCMPB", 3, 0x3f, PP_66, 0, 8, 0, KHW, IMM, ref_cmp},
    {"VPCMPW", 3, 0x3f, PP_66, 1, 16, 0, KHW, IMM, ref_cmp},
    {"VPCMPD", 3, 0x1f, PP_66, 0, 32, 32, KHW, IMM, ref_cmp},
    {"VPCMPQ", 3, 0x1f, PP_66, 1, 64, 64, KHW, IMM, ref_cmp},
    {"VPCMPUB", 3, 0x3e, PP_66, 0, 8, 0, KHW, IMM, ref_cmpu},
    {"VPCMPUW", 3, 0x3e, PP_66, 1, 16, 0, KHW, IMM, ref_cmpu},
    {"VPCMPUD", 3, 0x1e, PP_66, 0, 32, 32, KHW, IMM, ref_cmpu},
    {"VPCMPUQ", 3, 0x1e, PP_66, 1, 64, 64, KHW, IMM, ref_cmpu},
    {"VPTESTMB", 2, 0x26, PP_66, 0, 8, 0, KHW, 0, ref_testm},
    {"VPTESTMW", 2, 0x26, PP_66, 1, 16, 0, KHW, 0, ref_testm},
    {"VPTESTMD", 2, 0x27, PP_66, 0, 32, 32, KHW, 0, ref_testm},
    {"VPTESTMQ", 2, 0x27, PP_66, 1, 64, 64, KHW, 0, ref_testm},
    {"VPTESTNMB", 2, 0x26, PP_F3, 0, 8, 0, KHW, 0, ref_testnm},
    {"VPTESTNMW", 2, 0x26, PP_F3, 1, 16, 0, KHW, 0, ref_testnm},
    {"VPTESTNMD", 2, 0x27, PP_F3, 0, 32, 32, KHW, 0, ref_testnm},
    {"VPTESTNMQ", 2, 0x27, PP_F3, 1, 64, 64, KHW, 0, ref_testnm},
    {"VPMOVM2B", 2, 0x28, PP_F3, 0, 8, 0, VK, NOMASK, ref_m2v},
    {"VPMOVB2M", 2, 0x29, PP_F3, 0, 8, 0, KU, NOMASK, ref_v2m},
    {"VPMOVM2W", 2, 0x28, PP_F3, 1, 16, 0, VK, NOMASK, ref_m2v},
    {"VPMOVW2M", 2, 0x29, PP_F3, 1, 16, 0, KU, NOMASK, ref_v2m},
    {"VPMOVM2D", 2, 0x38, PP_F3, 0, 32, 0, VK, NOMASK, ref_m2v},
    {"VPMOVD2M", 2, 0x39, PP_F3, 0, 32, 0, KU, NOMASK, ref_v2m},
    {"VPMOVM2Q", 2, 0x38, PP_F3, 1, 64, 0, VK, NOMASK, ref_m2v},
    {"VPMOVQ2M", 2, 0x39, PP_F3, 1, 64, 0, KU, NOMASK, ref_v2m},
    {"VPBROADCASTMB2Q", 2, 0x2a, PP_F3, 1, 64, 0, VK, NOMASK, ref_mb2q},
    {"VPBROADCASTMW2D", 2, 0x3a, PP_F3, 0, 32, 0, VK, NOMASK, ref_mw2d},
};

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static unsigned below(unsigned n)
{
    return (unsigned)(random64() >> 32) % n;
}

static uint8_t random_byte(void)
{
    static const uint8_t often[] = {0, 0, 1, 0x7f, 0x80, 0xff, 0xff, 8};
    return below(2) ? often[below(sizeof often)] : (uint8_t)random64();
}

static void random_vector(uint8_t *v)
{
    uint8_t same = random_byte();
    unsigned kind = below(4);

    for (unsigned n = 0; n < 64; n++)
        v[n] = kind == 0 ? (uint8_t)random64() : kind == 1 ? same : random_byte();
    if (kind == 3) /* counts of shifts */
        for (unsigned n = 0; n < 64; n++)
            v[n] = n % 8 ? 0 : v[n] % 72;
}

/* ---- one instruction: its fields, its bytes ---- */

struct trial {
    const struct operation *op;
    unsigned length, reg, vvvv, rm, mask, imm;
    bool z, memory, b;
    unsigned disp8; /* 0: none */
};

static unsigned encode(const struct trial *t, uint8_t *at)
{
    const struct operation *o = t->op;
    unsigned w = o->w == WIG ? below(2) : o->w, rm = t->memory ? RSI : t->rm, n = 0;

    at[n++] = 0x62;
    at[n++] = (uint8_t)(o->map | (t->reg & 8 ? 0 : 0x80) | (rm & 16 ? 0 : 0x40) |
                        (rm & 8 ? 0 : 0x20) | (t->reg & 16 ? 0 : 0x10));
    at[n++] = (uint8_t)(w << 7 | (~t->vvvv & 15) << 3 | 4 | o->prefix);
    at[n++] = (uint8_t)((unsigned)t->z << 7 | t->length << 5 | (unsigned)t->b << 4 |
                        (t->vvvv & 16 ? 0 : 8) | t->mask);
    at[n++] = o->opcode;
    at[n++] = (uint8_t)((!t->memory ? 0xc0 : t->disp8 ? 0x40 : 0) | (t->reg & 7) << 3 |
                        (rm & 7));
    if (t->disp8)
        at[n++] = (uint8_t)t->disp8;
    if (o->flags & IMM)
        at[n++] = (uint8_t)t->imm;
    return n;
}

/* The memory operand's size. */
static unsigned operand_bytes(const struct trial *t)
{
    return t->b ? t->op->broadcast / 8u : t->op->form == XMM ? 16 : 16u << t->length;
}

static struct trial random_trial(const struct operation *o)
{
    bool to_k = o->form == KHW || o->form == KU;
    struct trial t = {.op = o, .length = below(3), .reg = below(to_k ? 8 : 32),
                      .vvvv = below(32), .rm = below(o->form == VK ? 8 : 32),
                      .imm = below(2) ? below(66) : below(256)};

    if (o->form >= GROUP)
        t.reg = (unsigned)o->form - GROUP;
    if (o->form == VW || o->form == VK || o->form == KU)
        t.vvvv = 0;
    if (!(o->flags & NOMASK) && below(4)) {
        t.mask = below(8);
        t.z = t.mask && !to_k && below(2);
    }
    t.memory = o->form != VK && o->form != KU && below(2);
    t.b = t.memory && o->broadcast && below(2);
    return t;
}

/* ---- what it should do ---- */

static uint64_t opmask(const struct rig *r, const struct trial *t)
{
    return t->mask ? r->cpu.k[t->mask] : ~0ull;
}

static void from_register(const struct rig *r, unsigned n, uint8_t *to)
{
    for (unsigned k = 0; k < 8; k++)
        store64(to + 8 * k, r->cpu.v[n].q[k]);
}

/* The register that is written, as it should be after; before it, r's. */
static struct vec expected_vector(const struct rig *r, const struct trial *t,
                                  const struct sources *s, unsigned dst)
{
    const unsigned size = t->op->bits / 8;
    uint8_t v[64];
    struct vec result;

    from_register(r, dst, v);
    for (unsigned n = 0; n < 64 / size; n++) {
        uint64_t x = n * size < s->bytes ? t->op->reference(s, n) : 0;
        if (n * size < s->bytes && !(opmask(r, t) >> n & 1)) {
            if (!t->z)
                continue;
            x = 0;
        }
        for (unsigned k = 0; k < size; k++)
            v[n * size + k] = (uint8_t)(x >> 8 * k);
    }
    for (unsigned k = 0; k < 8; k++)
        result.q[k] = load64(v + 8 * k);
    return result;
}

static uint64_t expected_opmask(const struct rig *r, const struct trial *t,
                                const struct sources *s)
{
    uint64_t k = 0;
    for (unsigned n = 0; n < s->bytes * 8 / t->op->bits; n++)
        if (opmask(r, t) >> n & 1)
            k |= t->op->reference(s, n) << n;
    return k;
}

static struct sources sources_of(const struct rig *r, const struct trial *t,
                                 const uint8_t *memory)
{
    struct sources s = {.imm = t->imm, .bits = t->op->bits, .bytes = 16u << t->length};

    from_register(r, t->vvvv, s.a);
    if (t->op->form < KHW)
        from_register(r, t->reg, s.d);
    if (t->op->form == VK)
        s.k = r->cpu.k[t->rm];
    else if (t->memory)
        for (unsigned n = 0; n < s.bytes; n++)
            s.b[n] = memory[n % operand_bytes(t)];
    else
        from_register(r, t->rm, s.b);
    return s;
}

/* Runs it on r; all vector registers and opmasks must be as they should. */
static void check_result(struct rig *r, const struct trial *t, const uint8_t *memory)
{
    struct sources s = sources_of(r, t, memory);
    struct vec v[ARRAY_SIZE(r->cpu.v)];
    uint64_t k[ARRAY_SIZE(r->cpu.k)];
    uint8_t bytes[16];
    unsigned dst = t->op->form >= GROUP ? t->vvvv : t->reg;

    memcpy(v, r->cpu.v, sizeof v);
    memcpy(k, r->cpu.k, sizeof k);
    if (t->op->form == KHW || t->op->form == KU)
        k[t->reg] = expected_opmask(r, t, &s);
    else
        v[dst] = expected_vector(r, t, &s, dst);
    if (rig_run(r, bytes, encode(t, bytes)) != -1)
        fail_msg("%s: faults", t->op->name);
    for (unsigned n = 0; n < ARRAY_SIZE(v); n++)
        for (unsigned q = 0; q < 8; q++)
            if (r->cpu.v[n].q[q] != v[n].q[q])
                fail_msg("%s, %u bits, opmask %u, z %d, b %d, memory %d, imm %02x: "
                         "v%u.q%u is %llx, should be %llx",
                         t->op->name, 128 << t->length, t->mask, t->z, t->b, t->memory,
                         t->imm, n, q, (unsigned long long)r->cpu.v[n].q[q],
                         (unsigned long long)v[n].q[q]);
    for (unsigned n = 0; n < ARRAY_SIZE(k); n++)
        if (r->cpu.k[n] != k[n])
            fail_msg("%s, %u bits, opmask %u, b %d, memory %d, imm %02x: k%u is %llx, "
                     "should be %llx",
                     t->op->name, 128 << t->length, t->mask, t->b, t->memory, t->imm, n,
                     (unsigned long long)r->cpu.k[n], (unsigned long long)k[n]);
}

static void random_state(struct rig *r)
{
    for (unsigned n = 0; n < ARRAY_SIZE(r->cpu.v); n++) {
        uint8_t bytes[64];
        random_vector(bytes);
        for (unsigned q = 0; q < 8; q++)
            r->cpu.v[n].q[q] = load64(bytes + 8 * q);
    }
    for (unsigned n = 0; n < ARRAY_SIZE(r->cpu.k); n++)
        r->cpu.k[n] = random64();
}

static void each_operation_gives_what_its_pseudo_code_gives(void **state)
{
    struct rig *r = rig_new();
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++)
        for (unsigned k = 0; k < 400; k++) {
            struct trial t = random_trial(&operations[n]);
            random_state(r);
            if (below(3) == 0) /* equal elements */
                r->cpu.v[t.rm] = r->cpu.v[t.vvvv];
            random_vector(r->ram + DATA);
            r->cpu.gpr[RSI] = DATA;
            if (t.memory && below(2)) { /* disp8 counts operands */
                t.disp8 = below(127) + 1;
                r->cpu.gpr[RSI] -= t.disp8 * operand_bytes(&t);
            }
            check_result(r, &t, r->ram + DATA);
        }
    rig_free(r);
}

/* ---- memory that is not there ---- */

enum { PML4 = 0x8000, PDPT = 0x9000, PD = 0xa000, PT = 0xb000, ABSENT = DATA + 0x1000 };

static struct rig *paging_rig(void)
{
    struct rig *r = rig_new();
    struct cpu *c = &r->cpu;

    store64(r->ram + PML4, PDPT | 3);
    store64(r->ram + PDPT, PD | 3);
    store64(r->ram + PD, PT | 3);
    for (unsigned n = 0; n < RAM / PAGE; n++)
        store64(r->ram + PT + 8 * n, n * PAGE == ABSENT ? 0 : n * PAGE | 3);
    c->cr0 = 0x80000011;
    c->cr3 = PML4;
    c->cr4 |= 0x20;
    c->efer = 0x500;
    cpu_derive(c);
    return r;
}

static void check_fault(struct rig *r, const struct trial *t)
{
    struct vec v[ARRAY_SIZE(r->cpu.v)];
    uint64_t k[ARRAY_SIZE(r->cpu.k)];
    uint8_t bytes[16];

    memcpy(v, r->cpu.v, sizeof v);
    memcpy(k, r->cpu.k, sizeof k);
    if (rig_run(r, bytes, encode(t, bytes)) != VEC_PF)
        fail_msg("%s does not fault", t->op->name);
    assert_memory_equal(v, r->cpu.v, sizeof v);
    assert_memory_equal(k, r->cpu.k, sizeof k);
}

static bool takes_memory_and_mask(const struct operation *o)
{
    return o->form != VK && o->form != KU && !(o->flags & NOMASK);
}

static void only_elements_that_count_can_fault(void **state)
{
    struct rig *r = paging_rig();
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++) {
        const struct operation *o = &operations[n];
        struct trial t = random_trial(o);
        unsigned there;
        uint8_t memory[64] = {0};

        if (!takes_memory_and_mask(o) || (o->flags & WHOLE))
            continue;
        t.memory = true;
        t.b = false;
        t.mask = 3;
        t.length = 2;
        there = 1 + below(512u / o->bits - 1); /* elements */
        random_state(r);
        random_vector(memory);
        memcpy(r->ram + ABSENT - there * o->bits / 8, memory, there * o->bits / 8);
        memset(memory + there * o->bits / 8, 0, 64 - there * o->bits / 8);
        r->cpu.gpr[RSI] = ABSENT - there * o->bits / 8;
        r->cpu.k[3] = random64() & ~(~0ull << there);
        check_result(r, &t, memory);
        r->cpu.k[3] = 1ull << there;
        check_fault(r, &t);
    }
    rig_free(r);
}

static void an_element_that_is_broadcast_is_read_if_any_counts(void **state)
{
    struct rig *r = paging_rig();
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++) {
        const struct operation *o = &operations[n];
        struct trial t = random_trial(o);
        uint8_t memory[64] = {0};

        if (!takes_memory_and_mask(o) || (o->flags & WHOLE) || !o->broadcast)
            continue;
        t.memory = t.b = true;
        t.mask = 3;
        t.length = 1;
        random_state(r);
        r->cpu.gpr[RSI] = ABSENT;
        r->cpu.k[3] = ~0ull << 256 / o->bits; /* none of those there are */
        check_result(r, &t, memory);
        r->cpu.k[3] = 1;
        check_fault(r, &t);
    }
    rig_free(r);
}

/* Exception types E4NF and E9NF: the opmask does not matter. */
static void operands_read_whole_fault_whatever_the_opmask(void **state)
{
    struct rig *r = paging_rig();
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(operations); n++) {
        const struct operation *o = &operations[n];
        struct trial t = random_trial(o);

        if (!takes_memory_and_mask(o) || !(o->flags & WHOLE))
            continue;
        t.memory = true;
        t.mask = 3;
        t.b = false;
        random_state(r);
        r->cpu.k[3] = 0;
        r->cpu.gpr[RSI] = ABSENT - operand_bytes(&t) + 1;
        check_fault(r, &t);
        if (o->broadcast) {
            t.b = true;
            r->cpu.gpr[RSI] = ABSENT;
            check_fault(r, &t);
        }
    }
    rig_free(r);
}

/* ---- values from the manual's text and by hand ---- */

#define RUN(r, ...)                                                                    \
    rig_run(r, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void vpdpbusds_clamps_the_sum_and_not_its_parts(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.v[2].q[0] = 0xff00ffff; /* -255 * 128 - 255 * 128 + 255 * 127 = -32895 */
    r->cpu.v[3].q[0] = 0x7f008080;
    r->cpu.v[1].q[0] = 0x80000000 + 32896;
    /* VPDPBUSDS xmm1, xmm2, xmm3 */
    assert_int_equal(RUN(r, 0x62, 0xf2, 0x6d, 0x08, 0x51, 0xcb), -1);
    assert_int_equal(r->cpu.v[1].q[0], 0x80000001);
    assert_int_equal(RUN(r, 0x62, 0xf2, 0x6d, 0x08, 0x51, 0xcb), -1);
    assert_int_equal(r->cpu.v[1].q[0], 0x80000000);
    /* VPDPBUSD goes around */
    assert_int_equal(RUN(r, 0x62, 0xf2, 0x6d, 0x08, 0x50, 0xcb), -1);
    assert_int_equal(r->cpu.v[1].q[0], 0x80000000 - 32895);
    rig_free(r);
}

static void vpternlog_counts_the_destination_highest(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.v[17].q[7] = 0xf0;
    r->cpu.v[18].q[7] = 0xcc;
    r->cpu.v[19].q[7] = 0xaa;
    /* VPTERNLOGQ zmm17, zmm18, zmm19, E8h: the majority */
    assert_int_equal(RUN(r, 0x62, 0xa3, 0xed, 0x40, 0x25, 0xcb, 0xe8), -1);
    assert_int_equal(r->cpu.v[17].q[7], 0xe8);
    r->cpu.v[17].q[7] = 0xf0;
    /* F0h: the destination itself; CAh: it chooses between the others */
    assert_int_equal(RUN(r, 0x62, 0xa3, 0xed, 0x40, 0x25, 0xcb, 0xf0), -1);
    assert_int_equal(r->cpu.v[17].q[7], 0xf0);
    assert_int_equal(RUN(r, 0x62, 0xa3, 0xed, 0x40, 0x25, 0xcb, 0xca), -1);
    assert_int_equal(r->cpu.v[17].q[7], 0xca);
    rig_free(r);
}

static void encodings_that_no_row_allows_are_ud(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    r->cpu.gpr[RSI] = DATA;
    /* VPADDB with EVEX.b; registers with EVEX.b and no rounding to choose */
    assert_int_equal(RUN(r, 0x62, 0xf1, 0x6d, 0x58, 0xfc, 0x0e), -2);
    assert_int_equal(RUN(r, 0x62, 0xf1, 0x6d, 0x58, 0xfe, 0xcb), -2);
    /* VPCMPEQD with z; to an opmask beyond k7 */
    assert_int_equal(RUN(r, 0x62, 0xf1, 0x6d, 0xc9, 0x76, 0xcb), -2);
    assert_int_equal(RUN(r, 0x62, 0x71, 0x6d, 0x48, 0x76, 0xcb), -2);
    /* VPSADBW, VPSLLDQ, VPMOVM2B with an opmask */
    assert_int_equal(RUN(r, 0x62, 0xf1, 0x6d, 0x49, 0xf6, 0xcb), -2);
    assert_int_equal(RUN(r, 0x62, 0xf1, 0x6d, 0x49, 0x73, 0xfb, 1), -2);
    assert_int_equal(RUN(r, 0x62, 0xf2, 0x7e, 0x49, 0x28, 0xcb), -2);
    /* L'L = 3 */
    assert_int_equal(RUN(r, 0x62, 0xf1, 0x6d, 0x68, 0xfe, 0xcb), -2);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_gives_what_its_pseudo_code_gives),
        cmocka_unit_test(only_elements_that_count_can_fault),
        cmocka_unit_test(an_element_that_is_broadcast_is_read_if_any_counts),
        cmocka_unit_test(operands_read_whole_fault_whatever_the_opmask),
        cmocka_unit_test(vpdpbusds_clamps_the_sum_and_not_its_parts),
        cmocka_unit_test(vpternlog_counts_the_destination_highest),
        cmocka_unit_test(encodings_that_no_row_allows_are_ud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
