//! What distributions other than Debian make of `make install`: the packages of rpmbuild and of
//! makepkg, installed and removed again by rpm and by pacman; what Alpine's build would take in;
//! authselect's profile, and the SELinux policy. What takes the distribution itself is listed in
//! packaging/doc/packagers.md.

mod alpine;
mod arch;
mod authselect;
mod place;
mod removal;
mod rpm;
mod selinux;
