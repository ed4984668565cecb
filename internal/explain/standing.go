package explain

import "tributary/internal/enrolment"

// StoodActive tells whether the touch's enrolment counted as active when it happened, whatever became of it since.
func (t Touch) StoodActive() bool { return enrolment.State(t.Standing).Active() }
