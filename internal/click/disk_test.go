package click

import "syscall"

// errFullDisk is what a full disk answers.
var errFullDisk error = syscall.ENOSPC
