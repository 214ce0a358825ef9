# Real software: one build runs it, the fastest; the others have the guest kernels.
if(NOT CMAKE_BUILD_TYPE STREQUAL Release OR NOT CMAKE_C_COMPILER_ID STREQUAL GNU
   OR MENURA_SANITIZE OR MENURA_COVERAGE OR CMAKE_CROSSCOMPILING)
  return()
endif()

function(boot_test name seconds script)
  add_test(NAME boot/${name}
           COMMAND sh ${CMAKE_SOURCE_DIR}/tests/boot/${script}.sh $<TARGET_FILE:menura> ${ARGN})
  # Long ones first, so that they do not run alone at the end.
  set_tests_properties(boot/${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${seconds} COST 100)
endfunction()

# The seconds are for hosts that are busy with other things, and for MENURA_LONG=1.
boot_test(shell 900 shell 1)
boot_test(shell_smp4 900 shell 4)
boot_test(work 900 work-same)
boot_test(restore 3600 restore)
boot_test(installer_amd64 3600 installer amd64 4)
boot_test(installer_i386 3600 installer i386 1)
boot_test(crypto 600 crypto)
boot_test(ovmf 300 ovmf)
boot_test(ovmf_linux 600 ovmf_linux)
boot_test(installer_gtk 3600 installer_gtk)
boot_test(installer_gtk_seabios 3600 installer_gtk seabios)
boot_test(disk 900 disk)
boot_test(disk_seabios 900 disk seabios)
boot_test(cd 900 cd)
boot_test(cd_seabios 900 cd seabios)
boot_test(memtest 1800 memtest 1)
boot_test(memtest_smp4 1800 memtest 4)
boot_test(memtest_seabios 1800 memtest 1 seabios)
boot_test(memtest_smp4_seabios 1800 memtest 4 seabios)

# -kernel by the firmware's hand.
boot_test(kernel 600 kernel own)
boot_test(kernel_seabios 600 kernel seabios)
boot_test(kernel_ovmf 600 kernel ovmf)
boot_test(xen 1800 xen 4)

# Boot loaders from CDs and floppies, driven by a script.
set(grub /usr/lib/grub-rescue/grub-rescue)
boot_test(isolinux 900 isolinux)
boot_test(isolinux_seabios 900 isolinux seabios)
foreach(bios own seabios)
  set(name "")
  if(bios STREQUAL seabios)
    set(name _seabios)
  endif()
  boot_test(grub${name} 900 script ${bios} 2 grub-rescue-pc ${grub}-cdrom.iso grub.script)
  boot_test(grub_floppy${name} 900 script ${bios} 1 grub-rescue-pc ${grub}-floppy.img
            grub.script)
  boot_test(ipxe${name} 900 script ${bios} 1 ipxe /usr/lib/ipxe/ipxe.iso ipxe.script)
endforeach()
