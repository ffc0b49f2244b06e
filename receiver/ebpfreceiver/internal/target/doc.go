// Package target says which processes are traced and what they are: it selects
// them by the rules of the configuration, follows them from the moment they run
// a program until they exit, and describes each as a resource.
package target
